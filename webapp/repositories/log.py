"""Reading rooms as logs: heads, places and everything that changed after a cursor, for many rooms at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import UUID as PgUUID

from webapp.core.extensions import db
from webapp.repositories.messages import VIEW_COLUMNS
from webapp.repositories.rooms import EPOCH_SQL

AnyRow = Row[Any]
_UUIDS = ARRAY(PgUUID(as_uuid=True))
_MESSAGE = ", ".join(f"m.{column.key}" for column in VIEW_COLUMNS)
_ROOM = (
    "r.room_id, r.room_type, r.room_name, r.description, r.display_mode, r.visibility, r.team_id, r.is_frozen, "
    "r.is_archived, r.slow_mode_seconds, r.directory_rev, r.created_at, r.updated_at"
)
_GIVEN = "unnest(CAST(:room_ids AS uuid[]), CAST(:cursors AS bigint[])) AS given(room_id, cursor)"

_PLACES = text(
    f"""
    SELECT {_ROOM}, r.last_seq, r.changed_seq, r.floor_seq, r.floor_rev, me.member_id, me.visible_from_seq,
           me.last_read_seq, me.unread_count, me.mention_count, me.read_rev, {EPOCH_SQL} AS epoch
    FROM chat_members me JOIN chat_rooms r USING (room_id)
    WHERE me.user_id = :user_id AND me.room_id = ANY(:room_ids) AND me.is_active AND r.is_active
    """  # noqa: S608 - made of constants
).bindparams(bindparam("room_ids", type_=_UUIDS))
_RECENT = text(
    f"""
    SELECT r.room_id, r.last_seq, r.directory_rev, coalesce(r.last_message_at, r.created_at) AS activity,
           me.member_id, me.visible_from_seq, me.last_read_seq, me.unread_count, me.mention_count,
           me.read_rev, me.changed_seq, {EPOCH_SQL} AS epoch
    FROM chat_members me JOIN chat_rooms r USING (room_id)
    WHERE me.user_id = :user_id AND me.is_active AND r.is_active
    ORDER BY coalesce(r.last_message_at, r.created_at) DESC, r.room_id DESC LIMIT :limit
    """  # noqa: S608 - made of constants
)
_ROOMS = text(
    f"SELECT {_ROOM}, r.last_seq, r.changed_seq, r.floor_rev FROM chat_rooms r WHERE r.room_id = ANY(:room_ids)"  # noqa: S608
).bindparams(bindparam("room_ids", type_=_UUIDS))
_CHANGED_MESSAGES = text(
    f"""
    SELECT changed.* FROM {_GIVEN} CROSS JOIN LATERAL (
        SELECT {_MESSAGE} FROM chat_messages m WHERE m.room_id = given.room_id AND m.changed_seq > given.cursor
        ORDER BY m.changed_seq LIMIT :limit) changed
    """  # noqa: S608 - made of constants
)
_CHANGED_MEMBERS = text(
    f"""
    SELECT changed.* FROM {_GIVEN} CROSS JOIN LATERAL (
        SELECT m.room_id, m.member_id, m.role, m.anonymous_name, m.group_label, m.is_active, m.changed_seq
        FROM chat_members m WHERE m.room_id = given.room_id AND m.changed_seq > given.cursor
        ORDER BY m.changed_seq LIMIT :limit) changed
    """  # noqa: S608 - made of constants
)
_HIDDEN = text("""
    SELECT o.room_id, o.member_id FROM blocks b JOIN chat_members o ON o.user_id = b.blocked_id
    JOIN chat_rooms r ON r.room_id = o.room_id
    WHERE b.blocker_id = :user_id AND b.member_id IS NOT NULL AND o.room_id = ANY(:room_ids)
      AND (o.member_id = b.member_id OR r.room_type = 'direct')
""").bindparams(bindparam("room_ids", type_=_UUIDS))
_HEADS = text(
    f"""
    SELECT {EPOCH_SQL} AS epoch, NULL::uuid AS room_id, NULL::bigint AS last_seq
    UNION ALL SELECT NULL, room_id, last_seq FROM chat_rooms WHERE room_id = ANY(:room_ids)
    """  # noqa: S608 - made of constants
).bindparams(bindparam("room_ids", type_=_UUIDS))


def places(user_id: str, room_ids: Sequence[UUID]) -> dict[UUID, AnyRow]:
    """Of these rooms, those that the user is in: the room, its head, the user's own marks, and the epoch."""
    rows = db.session.execute(_PLACES, {"user_id": user_id, "room_ids": list(room_ids)})
    return {row.room_id: row for row in rows}


def recent(user_id: str, limit: int) -> Sequence[AnyRow]:
    """A user's most recently active rooms with heads and marks."""
    return db.session.execute(_RECENT, {"user_id": user_id, "limit": limit}).all()


def rooms(room_ids: Sequence[UUID]) -> dict[UUID, AnyRow]:
    """Rooms as nobody in particular sees them, with their heads."""
    return {row.room_id: row for row in db.session.execute(_ROOMS, {"room_ids": list(room_ids)})}


def hidden(user_id: str, room_ids: Sequence[UUID]) -> dict[UUID, frozenset[UUID]]:
    """By room, the members whose messages this user does not see."""
    found: dict[UUID, set[UUID]] = {}
    for room_id, member_id in db.session.execute(_HIDDEN, {"user_id": user_id, "room_ids": list(room_ids)}):
        found.setdefault(room_id, set()).add(member_id)
    return {room_id: frozenset(members) for room_id, members in found.items()}


def changed(cursors: Mapping[UUID, int], limit: int) -> dict[UUID, list[AnyRow]]:
    """By room, the messages and members that changed after the cursor: at most `limit` of each, in log order."""
    given = {"room_ids": list(cursors), "cursors": list(cursors.values()), "limit": limit}
    found: dict[UUID, list[AnyRow]] = {room_id: [] for room_id in cursors}
    for statement in (_CHANGED_MESSAGES, _CHANGED_MEMBERS):
        for row in db.session.execute(statement, given):
            found[row.room_id].append(row)
    for rows in found.values():
        rows.sort(key=lambda row: row.changed_seq)
    return found


def heads(room_ids: Iterable[UUID]) -> tuple[str, dict[UUID, int]]:
    """The epoch and the head of each room."""
    first, *rest = db.session.execute(_HEADS, {"room_ids": list(room_ids)}).all()
    return first.epoch, {row.room_id: row.last_seq for row in rest}
