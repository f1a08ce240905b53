"""Who has read how far, and who lets it be seen."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import func, select

from webapp.core.extensions import db
from webapp.models.member import Member
from webapp.repositories import users

READERS_SHOWN = 100


def total(user_id: str) -> tuple[int, int]:
    """Unread messages and mentions over all of a user's rooms."""
    statement = select(
        func.coalesce(func.sum(Member.unread_count), 0), func.coalesce(func.sum(Member.mention_count), 0)
    ).where(Member.user_id == user_id, Member.is_active)
    unread, mentions = db.session.execute(statement).one()
    return int(unread), int(mentions)


def shown(room_id: UUID, seq: int, *, author: UUID | None, viewer: str) -> list[UUID]:
    """Members past a number who show receipts, bounded; nobody to a viewer who hides their own."""
    statement = select(Member.member_id, Member.user_id).where(
        Member.room_id == room_id, Member.is_active, Member.last_read_seq >= seq, Member.member_id != author
    )
    rows = db.session.execute(statement.order_by(Member.member_id).limit(READERS_SHOWN)).all()
    showing = users.showing_receipts([viewer, *(row.user_id for row in rows)])
    return [row.member_id for row in rows if row.user_id in showing] if viewer in showing else []


def count_unread(room_id: UUID, seq: int, *, author: UUID | None) -> int:
    """How many present members who can see a message have not read it."""
    statement = select(func.count()).where(
        Member.room_id == room_id,
        Member.is_active,
        Member.last_read_seq < seq,
        Member.visible_from_seq <= seq,
        Member.member_id != author,
    )
    return db.session.execute(statement).scalar_one()


def sorted_marks(room_id: UUID) -> list[int]:
    """The marks of all present members, in the order of the marks."""
    statement = select(Member.last_read_seq).where(Member.room_id == room_id, Member.is_active)
    return sorted(db.session.execute(statement).scalars())


def shows_receipts(member_id: UUID) -> bool:
    """Whether the person behind a member shows receipts."""
    user_id = db.session.execute(select(Member.user_id).where(Member.member_id == member_id)).scalar_one()
    return user_id in users.showing_receipts([user_id])
