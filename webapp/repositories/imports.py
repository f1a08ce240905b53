"""History in bulk: rows that were written elsewhere or earlier, and a room's rows on their way out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Row, select, text

from webapp.core.extensions import db
from webapp.models.base import Base
from webapp.models.message import Message
from webapp.models.room import Room

STREAMED_ROWS = 1_000


class PastMessage(NamedTuple):
    """A message that was written elsewhere; the fields are columns."""

    message_id: UUID
    seq: int
    sender_id: str
    member_id: UUID
    content: str
    client_message_id: UUID
    created_at: datetime


_COPY = f"COPY chat_messages ({', '.join(PastMessage._fields)}, room_id, changed_seq, updated_at) FROM STDIN"
_KNOWN = text("""
    SELECT client_message_id FROM chat_messages
    WHERE room_id = :room_id AND (sender_id, client_message_id) IN (
        SELECT * FROM unnest(CAST(:sender_ids AS text[]), CAST(:client_ids AS uuid[])))
""")
_CARRY = text("""
    WITH carried AS (
        SELECT member_id FROM chat_members
        WHERE room_id = :room_id AND is_active AND mention_count = 0 AND last_read_seq >= (
            SELECT coalesce(max(seq), 0) FROM chat_messages
            WHERE room_id = :room_id AND thread_id IS NULL AND seq <= :former
              AND message_type <> 'system' AND NOT is_deleted)
        ORDER BY member_id FOR UPDATE
    )
    UPDATE chat_members m SET last_read_seq = :head, read_rev = m.read_rev + 1 FROM carried
    WHERE m.member_id = carried.member_id
    RETURNING m.member_id, m.unread_count, m.mention_count, m.last_read_seq, m.as_of_seq, m.read_rev
""")


def take_turns(work: str) -> None:
    """Wait until no other transaction does this work, which it then keeps until its end."""
    db.session.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:work, 0))"), {"work": work})


def demo_keys() -> frozenset[str]:
    """The keys of the demo rooms that are there."""
    key = Room.room_metadata["demo"].astext
    return frozenset(db.session.execute(select(key).where(key.is_not(None))).scalars())


def find_named(room_name: str, *, rather_of: UUID) -> list[tuple[UUID, UUID | None]]:
    """Id and team of the open rooms of this name, at most two, those of one team first."""
    statement = (
        select(Room.room_id, Room.team_id)
        .where(Room.room_name == room_name, Room.is_active)
        .order_by((Room.team_id == rather_of).desc().nulls_last())
        .limit(2)
    )
    return [(room_id, team_id) for room_id, team_id in db.session.execute(statement)]


def known_ids(room_id: UUID, sender_ids: Sequence[str], client_ids: Sequence[UUID]) -> frozenset[UUID]:
    """Of these senders' messages, the `client_message_id`s of those that the room holds."""
    given = {"room_id": room_id, "sender_ids": list(sender_ids), "client_ids": list(client_ids)}
    return frozenset(db.session.execute(_KNOWN, given).scalars())


def add_messages(room_id: UUID, rows: Sequence[PastMessage]) -> None:
    """Insert messages that have their numbers, as they were when they were written."""
    connection: Any = db.session.connection().connection.driver_connection
    with connection.cursor() as cursor, cursor.copy(_COPY) as copy:
        for row in rows:
            copy.write_row((*row, room_id, row.seq, row.created_at))


def add_all(rows: Sequence[Base]) -> None:
    """Insert rows of any tables whose other ends are there."""
    db.session.add_all(rows)
    db.session.flush()


def carry_marks(room_id: UUID, former: int, head: int) -> dict[UUID, dict[str, int]]:
    """Whoever had nothing unread at the former head has nothing unread at the new one; their marks.

    Under the room's and its cursor's locks. What they had not read can't be behind a mark that moves, so counts stay.
    """
    rows = db.session.execute(_CARRY, {"room_id": room_id, "former": former, "head": head})
    marks = ("unread_count", "mention_count", "last_read_seq", "as_of_seq", "read_rev")
    return {row.member_id: {name: getattr(row, name) for name in marks} for row in rows}


def stream(room_id: UUID) -> Iterator[Row[*tuple[Any, ...]]]:
    """A room's living messages of people, in the order in which they were written, a part at a time."""
    statement = (
        select(
            Message.seq,
            Message.message_id,
            Message.member_id,
            Message.content,
            Message.created_at,
            Message.thread_id,
            Message.reply_to_id,
        )
        .where(Message.room_id == room_id, Message.message_type != "system", ~Message.is_deleted)
        .order_by(Message.seq)
        .execution_options(yield_per=STREAMED_ROWS)
    )
    yield from db.session.execute(statement)
