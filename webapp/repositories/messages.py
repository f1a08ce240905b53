"""chat_messages: single rows, and lists across the timeline. Its pages are in `history`, its changes in `log`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, Uuid, func, or_, select, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, insert
from sqlalchemy.orm import InstrumentedAttribute

from webapp.core.extensions import db
from webapp.models.message import Message, MessageVersion

# What a view is made of. `sender_id` is not among it: readers of a room never touch a user id.
VIEW_COLUMNS = (
    Message.message_id,
    Message.room_id,
    Message.seq,
    Message.changed_seq,
    Message.member_id,
    Message.content,
    Message.message_type,
    Message.attachments,
    Message.reactions,
    Message.mentions,
    Message.mentions_all,
    Message.thread_id,
    Message.reply_to_id,
    Message.reply_count,
    Message.last_reply_at,
    Message.is_edited,
    Message.is_deleted,
    Message.is_pinned,
    Message.client_message_id,
    Message.system,
    Message.poll,
    Message.created_at,
    Message.updated_at,
)
# The same as JSON holds them: ids as text, and JSON columns as the text that they are.
JSON_TEXT_FIELDS = tuple(column.key for column in VIEW_COLUMNS if isinstance(column.type, JSONB))
MessageRow = Row[tuple[object, ...]]


@dataclass(frozen=True, slots=True)
class Scope:
    """Which rows of a room a viewer may be shown."""

    room_id: UUID
    visible_from: int
    hidden: frozenset[UUID] = frozenset()


def json_columns(table: str) -> str:
    """The columns of a view, selected in the form that JSON holds them in."""
    return ", ".join(_as_json(table, column) for column in VIEW_COLUMNS)


def _as_json(table: str, column: InstrumentedAttribute[Any]) -> str:
    name = f"{table}.{column.key}"
    if isinstance(column.type, ARRAY):
        return f"{name}::text[] AS {column.key}"
    return f"{name}::text AS {column.key}" if isinstance(column.type, JSONB | Uuid) else name


def add(message: Message) -> Message:
    """Insert a row that has its number."""
    db.session.add(message)
    db.session.flush()
    return message


def find(room_id: UUID, message_id: UUID, *, lock: bool = False) -> Message | None:
    """A message of this very room."""
    statement = select(Message).where(Message.message_id == message_id, Message.room_id == room_id)
    if lock:
        statement = statement.with_for_update().execution_options(populate_existing=True)
    return db.session.execute(statement).scalar_one_or_none()


def find_by_client_id(room_id: UUID, sender_id: str, client_message_id: UUID) -> Message | None:
    """The message that a sender has already sent under this id."""
    statement = select(Message).where(
        Message.room_id == room_id, Message.sender_id == sender_id, Message.client_message_id == client_message_id
    )
    return db.session.execute(statement).scalar_one_or_none()


def exists_in_room(scope: Scope, message_id: UUID) -> bool:
    """Whether the viewer sees a message of this id in the room."""
    statement = _visible(select(Message.message_id), scope).where(Message.message_id == message_id)
    return db.session.execute(statement.limit(1)).first() is not None


def last_sent_at(room_id: UUID, sender_id: str, *, since: datetime) -> datetime | None:
    """When someone last wrote in a room after a moment, for slow mode; the moment bounds the search."""
    statement = (
        select(Message.created_at)
        .where(Message.sender_id == sender_id, Message.room_id == room_id, Message.created_at > since)
        .order_by(Message.created_at.desc())
        .limit(1)
    )
    return db.session.execute(statement).scalar_one_or_none()


def keep_version(message: Message, replaced_at: datetime) -> None:
    """Keep what a message says now, before it is edited."""
    version = select(func.count()).where(MessageVersion.message_id == message.message_id).scalar_subquery()
    db.session.execute(
        insert(MessageVersion).values(
            message_id=message.message_id, version=version + 1, content=message.content, replaced_at=replaced_at
        )
    )


def page_before(scope: Scope, seq: int | None, limit: int) -> list[MessageRow]:
    """The newest rows of the timeline below `seq` (or of all), oldest first."""
    statement = _visible(select(*VIEW_COLUMNS), scope).where(Message.thread_id.is_(None))
    if seq is not None:
        statement = statement.where(Message.seq < seq)
    rows = db.session.execute(statement.order_by(Message.seq.desc()).limit(limit)).all()
    return list(reversed(rows))


def pinned(scope: Scope, *, before: int | None, limit: int) -> list[MessageRow]:
    """Pinned messages below a number, newest first."""
    statement = _visible(select(*VIEW_COLUMNS), scope).where(Message.is_pinned, ~Message.is_deleted)
    if before is not None:
        statement = statement.where(Message.seq < before)
    return list(db.session.execute(statement.order_by(Message.seq.desc()).limit(limit)).all())


def count_pinned(room_id: UUID) -> int:
    """How many messages of a room are pinned."""
    statement = select(func.count()).where(Message.room_id == room_id, Message.is_pinned)
    return db.session.execute(statement).scalar_one()


_MENTIONING = text(
    f"""
    WITH mine AS MATERIALIZED (
        SELECT me.member_id, me.room_id, me.visible_from_seq, r.room_type
        FROM chat_members me JOIN chat_rooms r USING (room_id)
        WHERE me.user_id = :user_id AND me.is_active AND r.is_active
    ), hits AS MATERIALIZED (
        SELECT m.message_id, m.room_id, m.seq, m.member_id FROM chat_messages m
        WHERE m.mentions && ARRAY(SELECT member_id FROM mine) AND m.mentions <> '{{}}'::uuid[] AND NOT m.is_deleted
        UNION
        SELECT m.message_id, m.room_id, m.seq, m.member_id FROM chat_messages m JOIN mine USING (room_id)
        WHERE m.mentions_all AND NOT m.is_deleted
    ), page AS MATERIALIZED (
        SELECT hits.message_id FROM hits JOIN mine USING (room_id)
        WHERE hits.message_id < :before AND hits.seq >= mine.visible_from_seq AND hits.member_id <> mine.member_id
          AND (mine.room_type = 'team' OR NOT EXISTS (
              SELECT FROM blocks b JOIN chat_members o ON o.user_id = b.blocked_id AND o.member_id = hits.member_id
              WHERE b.blocker_id = :user_id AND b.member_id IS NOT NULL
                AND (o.member_id = b.member_id OR mine.room_type = 'direct')))
        ORDER BY hits.message_id DESC LIMIT :limit
    )
    SELECT {", ".join(f"m.{column.key}" for column in VIEW_COLUMNS)} FROM chat_messages m JOIN page USING (message_id)
    ORDER BY m.message_id DESC
    """  # noqa: S608 - made of column names
)
_NEWEST = UUID(int=2**128 - 1)


def mentioning(user_id: str, *, before: UUID | None, limit: int) -> Sequence[Row[Any]]:
    """Others' messages in a user's rooms that mention the user, newest first by (time-ordered) message id."""
    return db.session.execute(_MENTIONING, {"user_id": user_id, "before": before or _NEWEST, "limit": limit}).all()


def _visible(statement: Select[tuple[object, ...]], scope: Scope) -> Select[tuple[object, ...]]:
    statement = statement.where(Message.room_id == scope.room_id, Message.seq >= scope.visible_from)
    if scope.hidden:
        # System messages have no member and stay.
        statement = statement.where(or_(Message.member_id.is_(None), Message.member_id.not_in(scope.hidden)))
    return statement
