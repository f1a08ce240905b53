"""room_cursors: each consumer's place in a room's log, and the rooms where one lags."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select

from webapp.core.extensions import db
from webapp.models.room import Room
from webapp.models.room_cursor import RoomCursor


def lock(room_id: UUID, consumer: str, *, share: bool = False) -> RoomCursor:
    """The cursor's row, locked: alone to move it, shared to count up to it."""
    statement = select(RoomCursor).where(RoomCursor.room_id == room_id, RoomCursor.consumer == consumer)
    statement = statement.with_for_update(read=share).execution_options(populate_existing=True)
    return db.session.execute(statement).scalar_one()


def lagging(consumer: str, *, limit: int) -> Sequence[UUID]:
    """Rooms whose head is past the consumer's cursor."""
    statement = (
        select(Room.room_id)
        .join(RoomCursor, RoomCursor.room_id == Room.room_id)
        .where(RoomCursor.consumer == consumer, RoomCursor.seq < Room.last_seq)
        .limit(limit)
    )
    return db.session.execute(statement).scalars().all()
