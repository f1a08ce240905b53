"""chat_rooms: a room is a log; this row hands out its numbers."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String, func, text
from sqlalchemy.orm import Mapped, mapped_column

from webapp.models.base import Base, CreatedAt, Seq


class Room(Base):
    """A room and the head of its log.

    `last_seq` is the last number handed out; `changed_seq` the number of the row's own last change; rows at or below
    `floor_seq` were removed by retention, which took `floor_rev`. `access_rev` rises with everything that a send
    checks; `directory_rev` with everything that the member directory shows.
    """

    __tablename__ = "chat_rooms"
    __table_args__ = (
        CheckConstraint("room_type IN ('direct', 'team', 'matching')", name="room_type"),
        CheckConstraint("display_mode IN ('open', 'blind')", name="display_mode"),
        CheckConstraint("visibility IN ('public', 'private')", name="visibility"),
        Index("uq_chat_rooms_direct_key", "direct_key", unique=True),
        Index("ix_chat_rooms_team_id", "team_id", "room_id", postgresql_where=text("team_id IS NOT NULL")),
        {"postgresql_with": {"fillfactor": "60"}},
    )

    room_id: Mapped[UUID] = mapped_column(primary_key=True)
    room_type: Mapped[str] = mapped_column(String(20))
    room_name: Mapped[str | None] = mapped_column(String(255))
    description: Mapped[str | None]
    room_metadata: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
    display_mode: Mapped[str] = mapped_column(String(10), server_default="open")
    visibility: Mapped[str] = mapped_column(String(10), server_default="private")
    team_id: Mapped[UUID | None] = mapped_column(ForeignKey("teams.team_id"))
    direct_key: Mapped[str | None] = mapped_column(String(64))
    is_active: Mapped[bool] = mapped_column(server_default=text("true"))
    is_archived: Mapped[bool] = mapped_column(server_default=text("false"))
    is_frozen: Mapped[bool] = mapped_column(server_default=text("false"))
    slow_mode_seconds: Mapped[int] = mapped_column(server_default="0")
    last_seq: Mapped[Seq] = mapped_column(server_default="0")
    changed_seq: Mapped[Seq] = mapped_column(server_default="0")
    floor_seq: Mapped[Seq] = mapped_column(server_default="0")
    floor_rev: Mapped[Seq] = mapped_column(server_default="0")
    access_rev: Mapped[int] = mapped_column(BigInteger, server_default="0")
    directory_rev: Mapped[int] = mapped_column(BigInteger, server_default="0")
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())
    last_message_at: Mapped[datetime | None]
