"""blocks: who wants no contact with whom."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import and_, exists, func, or_, select, tuple_
from sqlalchemy.orm import aliased

from webapp.core.extensions import db
from webapp.models.block import Block
from webapp.models.member import Member


def either_way(one: str, other: str) -> bool:
    """Whether one of two people blocks the other openly; a block made through a label never shows here."""
    statement = select(Block.block_id).where(
        Block.member_id.is_(None),
        or_(
            and_(Block.blocker_id == one, Block.blocked_id == other),
            and_(Block.blocker_id == other, Block.blocked_id == one),
        ),
    )
    return db.session.execute(statement.limit(1)).first() is not None


def between_members(room_id: UUID) -> bool:
    """Whether the two people of a direct room block each other, one way or the other."""
    blocker, blocked = aliased(Member), aliased(Member)
    statement = select(
        exists()
        .where(blocker.room_id == room_id, blocked.room_id == room_id)
        .where(Block.blocker_id == blocker.user_id, Block.blocked_id == blocked.user_id, Block.member_id.is_(None))
    )
    return bool(db.session.execute(statement).scalar_one())


def blocked_either_way(user_id: str) -> frozenset[str]:
    """Everyone whom a person blocks openly or is blocked by."""
    mine = select(Block.blocked_id).where(Block.blocker_id == user_id, Block.member_id.is_(None))
    theirs = select(Block.blocker_id).where(Block.blocked_id == user_id, Block.member_id.is_(None))
    return frozenset(db.session.execute(mine.union(theirs)).scalars())


def find_person(blocker_id: str, blocked_id: str) -> Block | None:
    """The open block of a person."""
    statement = select(Block).where(
        Block.blocker_id == blocker_id, Block.blocked_id == blocked_id, Block.member_id.is_(None)
    )
    return db.session.execute(statement).scalar_one_or_none()


def find_label(blocker_id: str, member_id: UUID) -> Block | None:
    """The block of a label."""
    statement = select(Block).where(Block.blocker_id == blocker_id, Block.member_id == member_id)
    return db.session.execute(statement).scalar_one_or_none()


def add(block: Block) -> Block:
    """Insert a block."""
    db.session.add(block)
    db.session.flush()
    return block


def remove(block: Block) -> None:
    """Delete a block."""
    db.session.delete(block)


def count(blocker_id: str) -> int:
    """How many people and labels a person blocks."""
    statement = select(func.count()).select_from(Block).where(Block.blocker_id == blocker_id)
    return db.session.execute(statement).scalar_one()


def list_page(blocker_id: str, *, after: tuple[datetime, UUID] | None, limit: int) -> list[tuple[Block, Member | None]]:
    """A person's blocks, the newest first, each with the member whose label it is of."""
    statement = (
        select(Block, Member)
        .outerjoin(Member, Member.member_id == Block.member_id)
        .where(Block.blocker_id == blocker_id)
        .order_by(Block.created_at.desc(), Block.block_id.desc())
        .limit(limit)
    )
    if after is not None:
        statement = statement.where(tuple_(Block.created_at, Block.block_id) < after)
    return [(block, member) for block, member in db.session.execute(statement)]
