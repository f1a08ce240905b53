"""drafts: one unsent text a membership."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert

from webapp.core.extensions import db
from webapp.models.draft import Draft


def find(member_id: UUID) -> Draft | None:
    """What a member has typed and not sent."""
    return db.session.get(Draft, member_id)


def save(member_id: UUID, content: str, now: datetime) -> None:
    """Put a text in the place of the former one."""
    values = {"content": content, "updated_at": now}
    statement = insert(Draft).values(member_id=member_id, **values)
    db.session.execute(statement.on_conflict_do_update(index_elements=[Draft.member_id], set_=values))


def remove(member_id: UUID) -> None:
    """Forget a member's text, if there is one."""
    db.session.execute(delete(Draft).where(Draft.member_id == member_id))
