"""The hot path: appending to a room's log in one statement, straight through psycopg.

These run on connections reserved for group commit, outside the session, in autocommit.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
import psycopg
from psycopg.rows import dict_row
from psycopg.types.json import set_json_loads

from webapp.repositories.messages import VIEW_COLUMNS

Connection = psycopg.Connection[Any]
STATEMENT_TIMEOUT_MS = 4_000


@dataclass(frozen=True, slots=True)
class NewMessage:
    """A send that has passed validation and waits for its place in the log."""

    message_id: UUID
    sender_id: str
    content: str
    client_message_id: UUID
    request_hash: bytes
    reply_to_id: UUID | None = None
    mentions: tuple[UUID, ...] = ()
    mentions_all: bool = False


@dataclass(frozen=True, slots=True)
class Sender:
    """What a send checks about one account in one room."""

    member_id: UUID
    is_active: bool
    silenced_until: datetime | None
    is_blocked: bool


@dataclass(frozen=True, slots=True)
class RoomGate:
    """What a send checks about a room, as of `access_rev`."""

    access_rev: int
    is_active: bool
    is_archived: bool
    is_frozen: bool
    slow_mode_seconds: int


def open_connection(conninfo: str) -> Connection:
    """A reserved connection: autocommit, bounded statements."""
    connection = psycopg.connect(
        conninfo,
        autocommit=True,
        connect_timeout=3,
        options=f"-c statement_timeout={STATEMENT_TIMEOUT_MS} -c timezone=UTC",
    )
    set_json_loads(orjson.loads, connection)
    return connection


_GATE = """
SELECT r.access_rev, r.is_active, r.is_archived, r.is_frozen, r.slow_mode_seconds,
       m.user_id, m.member_id, m.is_active AS member_is_active, m.silenced_until,
       r.room_type = 'direct' AND EXISTS (
           SELECT FROM blocks b JOIN chat_members o ON o.room_id = r.room_id AND o.user_id <> m.user_id
           WHERE b.member_id IS NULL AND ((b.blocker_id = m.user_id AND b.blocked_id = o.user_id)
                                       OR (b.blocker_id = o.user_id AND b.blocked_id = m.user_id))) AS is_blocked
FROM chat_rooms r LEFT JOIN chat_members m ON m.room_id = r.room_id AND m.user_id = ANY(%(user_ids)s)
WHERE r.room_id = %(room_id)s
"""


def read_gate(
    connection: Connection, room_id: UUID, user_ids: Sequence[str]
) -> tuple[RoomGate, dict[str, Sender]] | None:
    """The room's gate and these people's places in it; None when there is no such room."""
    rows = connection.execute(_GATE, {"room_id": room_id, "user_ids": list(user_ids)}).fetchall()
    if not rows:
        return None
    gate = RoomGate(*rows[0][:5])
    return gate, {user_id: Sender(*sender) for user_id, sender in map(_split, rows) if user_id is not None}


def _split(row: tuple[Any, ...]) -> tuple[Any, ...]:
    """A gate's row as the user it is about and the fields of that user's `Sender`."""
    return row[5], row[6:]


_APPEND = """
WITH room AS (
    UPDATE chat_rooms SET last_seq = last_seq + %(count)s, last_message_at = %(now)s
    WHERE room_id = %(room_id)s AND access_rev = %(access_rev)s
    RETURNING last_seq - %(count)s AS base
), appended AS (
    INSERT INTO chat_messages (message_id, room_id, seq, changed_seq, sender_id, member_id, content, client_message_id,
                               request_hash, reply_to_id, mentions, mentions_all, created_at, updated_at)
    SELECT d.message_id, %(room_id)s, room.base + d.place, room.base + d.place, d.sender_id, d.member_id, d.content,
           d.client_message_id, d.request_hash, d.reply_to_id, d.mentions::uuid[], d.mentions_all, %(now)s, %(now)s
    FROM room, unnest(%(message_ids)s::uuid[], %(sender_ids)s::text[], %(member_ids)s::uuid[], %(contents)s::text[],
                      %(client_ids)s::uuid[], %(hashes)s::bytea[], %(reply_ids)s::uuid[], %(mentions)s::text[],
                      %(mentions_all)s::bool[])
         WITH ORDINALITY AS d(message_id, sender_id, member_id, content, client_message_id, request_hash, reply_to_id,
                              mentions, mentions_all, place)
)
SELECT base FROM room
"""


def append(
    connection: Connection,
    room_id: UUID,
    access_rev: int,
    rows: Sequence[tuple[NewMessage, UUID]],
    now: datetime,
) -> int | None:
    """Number and insert these messages in one statement; the number before the first, or None if the gate moved."""
    cursor = connection.execute(
        _APPEND,
        {
            "room_id": room_id,
            "access_rev": access_rev,
            "count": len(rows),
            "now": now,
            "message_ids": [m.message_id for m, _ in rows],
            "sender_ids": [m.sender_id for m, _ in rows],
            "member_ids": [member_id for _, member_id in rows],
            "contents": [m.content for m, _ in rows],
            "client_ids": [m.client_message_id for m, _ in rows],
            "hashes": [m.request_hash for m, _ in rows],
            "reply_ids": [m.reply_to_id for m, _ in rows],
            "mentions": ["{" + ",".join(map(str, m.mentions)) + "}" for m, _ in rows],
            "mentions_all": [m.mentions_all for m, _ in rows],
        },
    )
    row = cursor.fetchone()
    return None if row is None else int(row[0])


_STORED = f"""
SELECT sender_id, request_hash, {", ".join(column.key for column in VIEW_COLUMNS)} FROM chat_messages
WHERE room_id = %(room_id)s
  AND (sender_id, client_message_id) IN (SELECT * FROM unnest(%(sender_ids)s::text[], %(client_ids)s::uuid[]))
"""  # noqa: S608 - made of column names


def read_stored(
    connection: Connection, room_id: UUID, messages: Iterable[NewMessage]
) -> dict[tuple[str, UUID], dict[str, Any]]:
    """Those of these messages that the log holds already, by sender and client_message_id."""
    wanted = list(messages)
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(
            _STORED,
            {
                "room_id": room_id,
                "sender_ids": [m.sender_id for m in wanted],
                "client_ids": [m.client_message_id for m in wanted],
            },
        ).fetchall()
    return {(row["sender_id"], row["client_message_id"]): row for row in rows}
