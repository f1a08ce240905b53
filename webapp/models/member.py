"""chat_members: who is in which room, and each one's marks in its log."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from webapp.models.base import Base, CreatedAt, RoomId, Seq, UserId


class Member(Base):
    """A membership. `member_id` is the only name that a person has on the wire of a room.

    `unread_count` and `mention_count` are true up to the log number `as_of_seq`; `read_rev` rises with each write of
    them. A message is visible to the member when its `seq` is at least `visible_from_seq`.
    """

    __tablename__ = "chat_members"
    __table_args__ = (
        UniqueConstraint("room_id", "user_id"),
        CheckConstraint("role IN ('owner', 'member')", name="role"),
        CheckConstraint("notification_level IN ('all', 'mentions', 'none')", name="notification_level"),
        Index("ix_chat_members_user_id", "user_id", "room_id", postgresql_where=text("is_active")),
        Index("ix_chat_members_changes", "room_id", "changed_seq"),
        {"postgresql_with": {"fillfactor": "70"}},
    )

    member_id: Mapped[UUID] = mapped_column(primary_key=True)
    room_id: Mapped[RoomId]
    user_id: Mapped[UserId]
    role: Mapped[str] = mapped_column(String(20), server_default="member")
    anonymous_name: Mapped[str | None] = mapped_column(String(50))
    group_label: Mapped[str | None] = mapped_column(String(10))
    is_active: Mapped[bool] = mapped_column(server_default=text("true"))
    is_muted: Mapped[bool] = mapped_column(server_default=text("false"))
    muted_until: Mapped[datetime | None]
    notification_level: Mapped[str] = mapped_column(String(10), server_default="all")
    silenced_until: Mapped[datetime | None]
    changed_seq: Mapped[Seq] = mapped_column(server_default="0")
    visible_from_seq: Mapped[Seq] = mapped_column(server_default="0")
    last_read_seq: Mapped[Seq] = mapped_column(server_default="0")
    last_read_at: Mapped[datetime | None]
    unread_count: Mapped[int] = mapped_column(server_default="0")
    mention_count: Mapped[int] = mapped_column(server_default="0")
    read_rev: Mapped[int] = mapped_column(BigInteger, server_default="0")
    as_of_seq: Mapped[Seq] = mapped_column(server_default="0")
    joined_at: Mapped[CreatedAt]
    left_at: Mapped[datetime | None]
