"""All rooms in the order of their ids, for work over the whole database."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import func, select

from webapp.core.extensions import db
from webapp.models.room import Room


def count() -> int:
    """How many rooms there are."""
    return db.session.execute(select(func.count()).select_from(Room)).scalar_one()


def list_page(after: UUID | None, limit: int) -> Sequence[UUID]:
    """The next rooms after one."""
    statement = select(Room.room_id).order_by(Room.room_id).limit(limit)
    if after is not None:
        statement = statement.where(Room.room_id > after)
    return db.session.execute(statement).scalars().all()
