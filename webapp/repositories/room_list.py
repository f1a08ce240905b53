"""The room list: a user's rooms, each with the newest message that the user sees there, in one statement."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from webapp.repositories import hot
from webapp.repositories.messages import VIEW_COLUMNS, json_columns

ROOM_FIELDS = (
    "room_id", "room_type", "room_name", "description", "display_mode", "visibility", "team_id", "is_frozen",
    "is_archived", "slow_mode_seconds", "directory_rev", "created_at", "last_message_at",
)  # fmt: skip
MEMBER_FIELDS = (
    "member_id", "role", "notification_level", "muted_until", "visible_from_seq", "last_read_seq", "unread_count",
    "mention_count", "read_rev",
)  # fmt: skip
MESSAGE_FIELDS = tuple(column.key for column in VIEW_COLUMNS)
_FIELDS = (*ROOM_FIELDS, *MEMBER_FIELDS, "head_seq")
_IDS = frozenset({"room_id", "team_id", "member_id"})


def _selected(table: str, names: tuple[str, ...]) -> list[str]:
    return [f"{table}.{name}" + ("::text" if name in _IDS else "") for name in names]


_STATEMENT = f"""
SELECT {", ".join(_selected("r", ROOM_FIELDS) + _selected("me", MEMBER_FIELDS))}, r.last_seq,
       coalesce(r.last_message_at, r.created_at) AS activity, newest.*
FROM chat_members me JOIN chat_rooms r ON r.room_id = me.room_id
LEFT JOIN LATERAL (
    SELECT {json_columns("m")} FROM chat_messages m
    WHERE m.room_id = me.room_id AND m.thread_id IS NULL AND m.seq >= me.visible_from_seq AND m.seq > r.floor_seq
      AND (r.room_type = 'team' OR NOT EXISTS (
          SELECT FROM blocks b JOIN chat_members o ON o.user_id = b.blocked_id
          WHERE o.member_id = m.member_id AND b.blocker_id = me.user_id AND b.member_id IS NOT NULL
            AND (b.member_id = o.member_id OR r.room_type = 'direct')))
    ORDER BY m.seq DESC LIMIT 1
) newest ON true
WHERE me.user_id = %(user_id)s AND me.is_active AND r.is_active
  AND (%(room_type)s::text IS NULL OR r.room_type = %(room_type)s)
  AND (%(before_at)s::timestamptz IS NULL
       OR (coalesce(r.last_message_at, r.created_at), r.room_id) < (%(before_at)s, %(before_id)s::uuid))
ORDER BY activity DESC, r.room_id DESC LIMIT %(limit)s
"""  # noqa: S608 - made of column names


@dataclass(frozen=True, slots=True)
class Listed:
    """A room of the list: its own and its member's columns, and the newest message, as JSON holds them."""

    room: dict[str, Any]
    newest: dict[str, Any] | None
    activity: datetime

    @property
    def room_id(self) -> str:
        return str(self.room["room_id"])


def list_page(user_id: str, *, room_type: str | None, before: tuple[datetime, UUID] | None, limit: int) -> list[Listed]:
    """A user's rooms, newest activity first; `before` is the place of the last one shown."""
    before_at, before_id = before or (None, None)
    given = {
        "user_id": user_id,
        "room_type": room_type,
        "before_at": before_at,
        "before_id": before_id,
        "limit": limit,
    }
    return [_listed(row) for row in hot.rows(_STATEMENT, given)]


def _listed(row: tuple[Any, ...]) -> Listed:
    width = len(_FIELDS)
    newest = row[width + 1 :]
    return Listed(
        room=dict(zip(_FIELDS, row, strict=False)),
        newest=None if newest[0] is None else dict(zip(MESSAGE_FIELDS, newest, strict=True)),
        activity=row[width],
    )
