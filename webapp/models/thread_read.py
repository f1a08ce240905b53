"""thread_reads: each follower's mark in a thread."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from webapp.models.base import Base, MemberId, Seq


class ThreadRead(Base):
    """A member who follows a thread, with the last reply read and the replies by others past it."""

    __tablename__ = "thread_reads"
    __table_args__ = (Index("ix_thread_reads_member_id", "member_id"), {"postgresql_with": {"fillfactor": "70"}})

    thread_id: Mapped[UUID] = mapped_column(ForeignKey("chat_messages.message_id"), primary_key=True)
    member_id: Mapped[MemberId] = mapped_column(primary_key=True)
    last_read_seq: Mapped[Seq] = mapped_column(server_default="0")
    unread_count: Mapped[int] = mapped_column(server_default="0")
