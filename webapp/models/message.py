"""chat_messages and what hangs on a message: versions, reactions, poll votes."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, LargeBinary, String, Text, UniqueConstraint, func, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.dialects.postgresql import UUID as PgUUID
from sqlalchemy.orm import Mapped, mapped_column

from webapp.models.base import Base, CreatedAt, MemberId, MessageId, RoomId, Seq

SYSTEM_SENDER = "system"


class Message(Base):
    """A row of a room's log: born as `seq`, last changed as `changed_seq`.

    `sender_id` is the user id (or `system`) as the source document has it; readers go by `member_id` and never see it.
    `request_hash` is the digest of the send's body, so that a repeated `client_message_id` can be told from a conflict.
    """

    __tablename__ = "chat_messages"
    __table_args__ = (
        UniqueConstraint("room_id", "sender_id", "client_message_id", name="uq_chat_messages_client_message_id"),
        CheckConstraint("message_type IN ('text', 'image', 'file', 'system')", name="message_type"),
        Index("uq_chat_messages_timeline", "room_id", "seq", unique=True, postgresql_where=text("thread_id IS NULL")),
        Index(
            "uq_chat_messages_thread", "thread_id", "seq", unique=True, postgresql_where=text("thread_id IS NOT NULL")
        ),
        Index("uq_chat_messages_changes", "room_id", "changed_seq", unique=True),
        Index("ix_chat_messages_sender", "sender_id", "created_at"),
        Index("ix_chat_messages_pins", "room_id", "seq", postgresql_where=text("is_pinned")),
        Index(
            "ix_chat_messages_mentions",
            "mentions",
            postgresql_using="gin",
            postgresql_where=text("mentions <> '{}'::uuid[]"),
        ),
        Index("ix_chat_messages_mentions_all", "room_id", "seq", postgresql_where=text("mentions_all")),
        Index("ix_chat_messages_deleted", "deleted_at", "message_id", postgresql_where=text("is_deleted")),
    )

    message_id: Mapped[UUID] = mapped_column(primary_key=True)
    room_id: Mapped[RoomId]
    seq: Mapped[Seq]
    changed_seq: Mapped[Seq]
    sender_id: Mapped[str] = mapped_column(String(255))
    # No foreign key: its check would lock the sender's member row, which the unread counter rewrites, at every send.
    member_id: Mapped[UUID | None]
    content: Mapped[str] = mapped_column(Text)
    message_type: Mapped[str] = mapped_column(String(20), server_default="text")
    attachments: Mapped[list[Any]] = mapped_column(JSONB, server_default=text("'[]'"))
    reactions: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
    mentions: Mapped[list[UUID]] = mapped_column(ARRAY(PgUUID(as_uuid=True)), server_default=text("'{}'"))
    mentions_all: Mapped[bool] = mapped_column(server_default=text("false"))
    thread_id: Mapped[UUID | None]
    reply_to_id: Mapped[UUID | None]
    reply_count: Mapped[int] = mapped_column(server_default="0")
    last_reply_at: Mapped[datetime | None]
    system: Mapped[dict[str, Any] | None]
    poll: Mapped[dict[str, Any] | None]
    client_message_id: Mapped[UUID | None]
    request_hash: Mapped[bytes | None] = mapped_column(LargeBinary(16))
    is_edited: Mapped[bool] = mapped_column(server_default=text("false"))
    is_deleted: Mapped[bool] = mapped_column(server_default=text("false"))
    is_pinned: Mapped[bool] = mapped_column(server_default=text("false"))
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())
    deleted_at: Mapped[datetime | None]
    deleted_by: Mapped[str | None] = mapped_column(String(255))


class MessageVersion(Base):
    """What a message said before an edit; kept for staff."""

    __tablename__ = "message_versions"

    message_id: Mapped[MessageId] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    content: Mapped[str] = mapped_column(Text)
    replaced_at: Mapped[datetime]


class Reaction(Base):
    """One emoji of one member on one message; the message's `reactions` is the summary of these rows."""

    __tablename__ = "message_reactions"

    message_id: Mapped[MessageId] = mapped_column(primary_key=True)
    emoji: Mapped[str] = mapped_column(String(64), primary_key=True)
    member_id: Mapped[MemberId] = mapped_column(primary_key=True)
    created_at: Mapped[CreatedAt]


class PollVote(Base):
    """One chosen option of one member; the message's `poll` carries the counts of these rows."""

    __tablename__ = "poll_votes"

    message_id: Mapped[MessageId] = mapped_column(primary_key=True)
    member_id: Mapped[MemberId] = mapped_column(primary_key=True)
    option_id: Mapped[int] = mapped_column(primary_key=True)
