"""chat_members: who is in which room."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import func, select

from webapp.core.extensions import db
from webapp.models.block import Block
from webapp.models.member import Member
from webapp.models.room import Room


def add(member: Member) -> Member:
    """Insert a member."""
    db.session.add(member)
    db.session.flush()
    return member


def add_all(new: Sequence[Member]) -> None:
    """Insert members in the order given."""
    db.session.add_all(new)
    db.session.flush()


def find_active(room_id: UUID, user_id: str) -> Member | None:
    """The membership of someone who is in the room now."""
    member = find_of_user(room_id, user_id)
    return member if member is not None and member.is_active else None


def find_of_user(room_id: UUID, user_id: str) -> Member | None:
    """The membership as it is now, also of someone who left."""
    statement = select(Member).where(Member.room_id == room_id, Member.user_id == user_id)
    statement = statement.execution_options(populate_existing=True)
    return db.session.execute(statement).scalar_one_or_none()


def find(room_id: UUID, member_id: UUID, *, lock: bool = False) -> Member | None:
    """A member of this very room, as it is now."""
    statement = select(Member).where(Member.member_id == member_id, Member.room_id == room_id)
    statement = statement.execution_options(populate_existing=True)
    if lock:
        statement = statement.with_for_update(key_share=True)
    return db.session.execute(statement).scalar_one_or_none()


def lock_all(room_id: UUID, member_ids: Sequence[UUID]) -> dict[UUID, Member]:
    """Members of this very room, locked in id order and read anew."""
    statement = select(Member).where(Member.room_id == room_id, Member.member_id.in_(member_ids))
    statement = (
        statement.order_by(Member.member_id).with_for_update(key_share=True).execution_options(populate_existing=True)
    )
    return {member.member_id: member for member in db.session.execute(statement).scalars()}


def count_active(room_id: UUID) -> int:
    """How many members are in the room now."""
    statement = select(func.count()).select_from(Member).where(Member.room_id == room_id, Member.is_active)
    return db.session.execute(statement).scalar_one()


def count_rooms(user_id: str) -> int:
    """How many rooms a person is in."""
    statement = select(func.count()).select_from(Member).where(Member.user_id == user_id, Member.is_active)
    return db.session.execute(statement).scalar_one()


def list_page(room_id: UUID, *, after: UUID | None, limit: int) -> Sequence[Member]:
    """Members in the order of their random ids, those who left included."""
    statement = select(Member).where(Member.room_id == room_id).order_by(Member.member_id).limit(limit)
    if after is not None:
        statement = statement.where(Member.member_id > after)
    return db.session.execute(statement).scalars().all()


def hidden_from(member: Member, room_type: str) -> frozenset[UUID]:
    """Members whose messages this one does not see: labels blocked here, and people blocked through a label."""
    if room_type == "team":
        return frozenset()
    labels = select(Block.member_id).where(Block.blocker_id == member.user_id, Block.member_id.is_not(None))
    in_room = select(Member.member_id).where(Member.room_id == member.room_id)
    if room_type == "matching":
        statement = in_room.where(Member.member_id.in_(labels))
    else:
        people = select(Block.blocked_id).where(Block.blocker_id == member.user_id, Block.member_id.is_not(None))
        statement = in_room.where(Member.user_id.in_(people))
    return frozenset(db.session.execute(statement).scalars())


def list_open_rooms(user_id: str, *, limit: int) -> Sequence[UUID]:
    """The rooms in which a person is present by name."""
    statement = (
        select(Member.room_id)
        .join(Room, Room.room_id == Member.room_id)
        .where(Member.user_id == user_id, Member.is_active, Room.is_active, Room.display_mode == "open")
        .order_by(Member.room_id)
        .limit(limit)
    )
    return db.session.execute(statement).scalars().all()
