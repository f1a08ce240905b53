"""room_cursors: how far each consumer has come in each room's log."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import String, func
from sqlalchemy.orm import Mapped, mapped_column

from webapp.models.base import Base, RoomId, Seq


class RoomCursor(Base):
    """A consumer's place in a room; it moves in the same transaction as the consumer's effect."""

    __tablename__ = "room_cursors"
    __table_args__ = ({"postgresql_with": {"fillfactor": "70"}},)

    room_id: Mapped[RoomId] = mapped_column(primary_key=True)
    consumer: Mapped[str] = mapped_column(String(30), primary_key=True)
    seq: Mapped[Seq] = mapped_column(server_default="0")
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())
