"""message_reactions: who chose which emoji on a message."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Row, delete, func, select, tuple_
from sqlalchemy.dialects.postgresql import insert

from webapp.core.extensions import db
from webapp.models.message import Reaction


def add(message_id: UUID, emoji: str, member_id: UUID, now: datetime) -> bool:
    """Whether the reaction is new; a member has one of each."""
    statement = (
        insert(Reaction)
        .values(message_id=message_id, emoji=emoji, member_id=member_id, created_at=now)
        .on_conflict_do_nothing()
        .returning(Reaction.member_id)
    )
    return db.session.execute(statement).first() is not None


def remove(message_id: UUID, emoji: str, member_id: UUID) -> bool:
    """Whether there was such a reaction."""
    statement = delete(Reaction).where(
        Reaction.message_id == message_id, Reaction.emoji == emoji, Reaction.member_id == member_id
    )
    return db.session.execute(statement.returning(Reaction.member_id)).first() is not None


def count(message_id: UUID, emoji: str) -> int:
    """How many members chose an emoji."""
    statement = select(func.count()).where(Reaction.message_id == message_id, Reaction.emoji == emoji)
    return db.session.execute(statement).scalar_one()


def first_members(message_id: UUID, emoji: str, limit: int) -> list[UUID]:
    """Those who chose an emoji first."""
    statement = (
        select(Reaction.member_id)
        .where(Reaction.message_id == message_id, Reaction.emoji == emoji)
        .order_by(Reaction.created_at, Reaction.member_id)
        .limit(limit)
    )
    return list(db.session.execute(statement).scalars())


def list_page(
    message_id: UUID, *, emoji: str | None, after: tuple[str, UUID] | None, limit: int
) -> Sequence[Row[str, UUID, datetime]]:
    """Reactions in the order of emoji and (random) member id."""
    statement = (
        select(Reaction.emoji, Reaction.member_id, Reaction.created_at)
        .where(Reaction.message_id == message_id)
        .order_by(Reaction.emoji, Reaction.member_id)
        .limit(limit)
    )
    if emoji is not None:
        statement = statement.where(Reaction.emoji == emoji)
    if after is not None:
        statement = statement.where(tuple_(Reaction.emoji, Reaction.member_id) > after)
    return db.session.execute(statement).all()
