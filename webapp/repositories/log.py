"""Reading rooms as logs: heads, places and everything that changed after a cursor, for many rooms at once.

Each read is one statement, and so one instant.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import orjson

from webapp.repositories import hot
from webapp.repositories.messages import VIEW_COLUMNS, json_columns
from webapp.repositories.rooms import EPOCH_SQL

_MESSAGE = tuple(column.key for column in VIEW_COLUMNS)
_ROOM = (
    "r.room_id, r.room_type, r.room_name, r.description, r.display_mode, r.visibility, r.team_id, r.is_frozen, "
    "r.is_archived, r.slow_mode_seconds, r.directory_rev, r.created_at, r.updated_at, r.last_seq, r.changed_seq"
)
# Members whose messages the viewer doesn't see: labels blocked here, and in a direct room people blocked by a label.
_HIDDEN = """
ARRAY(SELECT o.member_id FROM blocks b JOIN chat_members o ON o.user_id = b.blocked_id AND o.room_id = r.room_id
      WHERE b.blocker_id = me.user_id AND b.member_id IS NOT NULL
        AND (o.member_id = b.member_id OR r.room_type = 'direct'))
"""
_ASKED = (
    "unnest(%(room_ids)s::uuid[], %(cursors)s::bigint[]) AS asked(room_id, cursor) JOIN chat_rooms r USING (room_id)"
)
_OF_VIEWER = f"""
SELECT {_ROOM}, asked.cursor, {EPOCH_SQL} AS epoch, me.visible_from_seq, {_HIDDEN} AS hidden,
       asked.cursor NOT BETWEEN r.floor_rev AND r.last_seq AS is_lost
FROM {_ASKED} JOIN chat_members me ON me.room_id = r.room_id AND me.user_id = %(user_id)s
WHERE me.is_active AND r.is_active
"""  # noqa: S608 - made of constants
_OF_NOBODY = f"""
SELECT {_ROOM}, asked.cursor, NULL AS epoch, 0 AS visible_from_seq, '{{}}'::uuid[] AS hidden, false AS is_lost
FROM {_ASKED}
"""  # noqa: S608 - made of constants


def _missed_after(places: str) -> str:
    no_message = ", ".join(["NULL"] * len(_MESSAGE))
    return f"""
    WITH place AS MATERIALIZED ({places}), member AS (
        SELECT place.room_id, changed.* FROM place CROSS JOIN LATERAL (
            SELECT m.member_id, m.role, m.anonymous_name, m.group_label, m.is_active, m.changed_seq
            FROM chat_members m WHERE m.room_id = place.room_id AND m.changed_seq > place.cursor AND NOT place.is_lost
            ORDER BY m.changed_seq LIMIT %(limit)s) changed
    )
    SELECT 'message', NULL, changed.* FROM place CROSS JOIN LATERAL (
        SELECT {json_columns("m")} FROM chat_messages m
        WHERE m.room_id = place.room_id AND m.changed_seq > place.cursor AND NOT place.is_lost
        ORDER BY m.changed_seq LIMIT %(limit)s) changed
    UNION ALL SELECT 'place', row_to_json(place)::text, {no_message} FROM place
    UNION ALL SELECT 'member', row_to_json(member)::text, {no_message} FROM member
    """  # noqa: S608 - made of constants


_MISSED_BY_VIEWER = _missed_after(_OF_VIEWER)
_MISSED_BY_ALL = _missed_after(_OF_NOBODY)
_RECENT = f"""
SELECT r.room_id, me.member_id, r.last_seq, me.visible_from_seq, me.last_read_seq, me.unread_count, me.mention_count,
       me.read_rev, r.directory_rev, coalesce(r.last_message_at, r.created_at) AS activity, {EPOCH_SQL} AS epoch
FROM chat_members me JOIN chat_rooms r USING (room_id)
WHERE me.user_id = %(user_id)s AND me.is_active AND r.is_active
ORDER BY coalesce(r.last_message_at, r.created_at) DESC, r.room_id DESC LIMIT %(limit)s
"""  # noqa: S608 - made of constants
_FOLLOWED = f"""
SELECT u.rooms_rev, u.shows_receipts, mine.* FROM users u LEFT JOIN LATERAL (
    SELECT r.room_id, me.member_id, me.visible_from_seq, {_HIDDEN} AS hidden, me.changed_seq
    FROM chat_members me JOIN chat_rooms r USING (room_id)
    WHERE me.user_id = u.user_id AND me.is_active AND r.is_active
    ORDER BY coalesce(r.last_message_at, r.created_at) DESC, r.room_id DESC LIMIT %(limit)s
) mine ON true WHERE u.user_id = %(user_id)s
"""  # noqa: S608 - made of constants
_HEADS = f"""
SELECT {EPOCH_SQL} AS epoch, NULL::uuid AS room_id, NULL::bigint AS last_seq
UNION ALL SELECT NULL, room_id, last_seq FROM chat_rooms WHERE room_id = ANY(%(room_ids)s::uuid[])
"""  # noqa: S608 - made of constants


@dataclass(frozen=True, slots=True)
class Missed:
    """A room as a viewer has it, and in any order the messages and members that changed, each as JSON holds it."""

    room: dict[str, Any]
    changed: list[dict[str, Any]] = field(default_factory=list)


class Recent(NamedTuple):
    """A room of `hello`: its head, and its member's marks."""

    room_id: UUID
    member_id: UUID
    head_seq: int
    visible_from_seq: int
    last_read_seq: int
    unread_count: int
    mention_count: int
    read_rev: int
    directory_rev: int
    activity: datetime
    epoch: str


class Followed(NamedTuple):
    """A room that a user's sockets follow, and the members whose messages this user does not see."""

    room_id: UUID
    member_id: UUID
    visible_from_seq: int
    hidden: list[UUID]
    changed_seq: int


def missed(user_id: str, cursors: Mapping[UUID, int], limit: int) -> dict[UUID, Missed]:
    """Of these rooms, those that the user is in, with the first `limit` messages and members changed after the cursor.

    Nothing has changed in a room that is `is_lost`: its cursor is none of its log.
    """
    return _missed(_MISSED_BY_VIEWER, {"user_id": user_id}, cursors, limit)


def missed_by_all(room_id: UUID, cursor: int, limit: int) -> Missed | None:
    """The same of one room, as nobody in particular sees it."""
    return _missed(_MISSED_BY_ALL, {}, {room_id: cursor}, limit).get(room_id)


def _missed(statement: str, given: dict[str, Any], cursors: Mapping[UUID, int], limit: int) -> dict[UUID, Missed]:
    given |= {"room_ids": list(cursors), "cursors": list(cursors.values()), "limit": limit}
    found: dict[str, Missed] = {}
    changed: list[dict[str, Any]] = []
    for kind, text, *message in hot.rows(statement, given):
        if kind == "place":
            room = orjson.loads(text)
            found[room["room_id"]] = Missed(room)
        else:
            changed.append(orjson.loads(text) if text else dict(zip(_MESSAGE, message, strict=True)))
    for row in changed:
        found[row["room_id"]].changed.append(row)
    return {UUID(room_id): each for room_id, each in found.items()}


def recent(user_id: str, limit: int) -> Sequence[Recent]:
    """A user's most recently active rooms with heads and marks."""
    return [Recent(*row) for row in hot.rows(_RECENT, {"user_id": user_id, "limit": limit})]


def followed(user_id: str, limit: int) -> tuple[int, bool, list[Followed]]:
    """The rooms that a user's sockets follow, with the revision of them and whether the user shows receipts."""
    rows = hot.rows(_FOLLOWED, {"user_id": user_id, "limit": limit})
    if not rows:
        return 0, False, []
    rooms_rev, shows_receipts = rows[0][:2]
    return rooms_rev, shows_receipts, [Followed(*row[2:]) for row in rows if row[2] is not None]


def heads(room_ids: Iterable[UUID]) -> tuple[str, dict[UUID, int]]:
    """The epoch and the head of each room."""
    found = hot.rows(_HEADS, {"room_ids": list(room_ids)})
    return next(epoch for epoch, room_id, _ in found if room_id is None), {
        room_id: head for _, room_id, head in found if room_id is not None
    }
