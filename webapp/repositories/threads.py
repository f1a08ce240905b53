"""thread_reads, and the replies that they count."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert

from webapp.core.extensions import db
from webapp.models.message import Message
from webapp.models.thread_read import ThreadRead


def count_replies(thread_id: UUID) -> tuple[int, datetime | None]:
    """How many replies a thread has, without the deleted ones, and when the last came."""
    statement = select(func.count(), func.max(Message.created_at)).where(
        Message.thread_id == thread_id, ~Message.is_deleted
    )
    amount, last = db.session.execute(statement).one()
    return amount, last


def follow(thread_id: UUID, member_ids: Sequence[UUID]) -> None:
    """Make these members followers; those who are already keep their marks."""
    rows = [{"thread_id": thread_id, "member_id": member_id} for member_id in sorted(member_ids)]
    if rows:
        db.session.execute(insert(ThreadRead).on_conflict_do_nothing(), rows)


def advance(thread_id: UUID, member_id: UUID, seq: int) -> None:
    """Move a follower's mark forward, never back."""
    db.session.execute(
        update(ThreadRead)
        .where(ThreadRead.thread_id == thread_id, ThreadRead.member_id == member_id, ThreadRead.last_read_seq < seq)
        .values(last_read_seq=seq)
    )


def recount(thread_id: UUID, member_id: UUID) -> ThreadRead:
    """Set a follower's count to the replies by others past the mark."""
    mark = (
        select(ThreadRead)
        .where(ThreadRead.thread_id == thread_id, ThreadRead.member_id == member_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    row = db.session.execute(mark).scalar_one()
    unread = select(func.count()).where(
        Message.thread_id == thread_id,
        Message.seq > row.last_read_seq,
        ~Message.is_deleted,
        Message.member_id != member_id,
    )
    row.unread_count = db.session.execute(unread).scalar_one()
    return row
