"""poll_votes: what each member has chosen in a poll."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert

from webapp.core.extensions import db
from webapp.models.message import PollVote


def chosen(message_id: UUID, member_id: UUID) -> frozenset[int]:
    """The options that a member has chosen."""
    statement = select(PollVote.option_id).where(PollVote.message_id == message_id, PollVote.member_id == member_id)
    return frozenset(db.session.execute(statement).scalars())


def replace(message_id: UUID, member_id: UUID, option_ids: frozenset[int]) -> None:
    """Put these choices in the place of a member's former ones."""
    db.session.execute(delete(PollVote).where(PollVote.message_id == message_id, PollVote.member_id == member_id))
    rows = [
        {"message_id": message_id, "member_id": member_id, "option_id": option_id} for option_id in sorted(option_ids)
    ]
    if rows:
        db.session.execute(insert(PollVote), rows)
