"""The room list: a user's rooms, each with the newest message that the user sees there, in one statement."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text

from webapp.core.extensions import db
from webapp.repositories.messages import VIEW_COLUMNS

ROOM_FIELDS = (
    "room_id", "room_type", "room_name", "description", "display_mode", "visibility", "team_id", "is_frozen",
    "is_archived", "slow_mode_seconds", "directory_rev", "created_at", "last_message_at",
)  # fmt: skip
MEMBER_FIELDS = (
    "member_id", "role", "notification_level", "muted_until", "visible_from_seq", "last_read_seq", "unread_count",
    "mention_count", "read_rev",
)  # fmt: skip
MESSAGE_FIELDS = tuple(column.key for column in VIEW_COLUMNS)
# How the columns of a row are named in a RoomView; the message's columns follow, and then `activity`.
FIELDS = (*ROOM_FIELDS, *MEMBER_FIELDS, "head_seq")

_SELECTED = ", ".join([f"r.{name}" for name in ROOM_FIELDS] + [f"me.{name}" for name in MEMBER_FIELDS])
_NEWEST = ", ".join(f"newest.{name} AS newest_{name}" for name in MESSAGE_FIELDS)
_LIST = text(
    f"""
    SELECT {_SELECTED}, r.last_seq AS head_seq, {_NEWEST}, coalesce(r.last_message_at, r.created_at) AS activity
    FROM chat_members me JOIN chat_rooms r ON r.room_id = me.room_id
    LEFT JOIN LATERAL (
        SELECT * FROM chat_messages m
        WHERE m.room_id = me.room_id AND m.thread_id IS NULL AND m.seq >= me.visible_from_seq AND m.seq > r.floor_seq
          AND NOT EXISTS (
              SELECT FROM blocks b JOIN chat_members o ON o.user_id = b.blocked_id
              WHERE o.member_id = m.member_id AND b.blocker_id = me.user_id AND b.member_id IS NOT NULL
                AND (b.member_id = o.member_id OR r.room_type = 'direct'))
        ORDER BY m.seq DESC LIMIT 1
    ) newest ON true
    WHERE me.user_id = :user_id AND me.is_active AND r.is_active
      AND (CAST(:room_type AS text) IS NULL OR r.room_type = :room_type)
      AND (CAST(:before_at AS timestamptz) IS NULL
           OR (coalesce(r.last_message_at, r.created_at), r.room_id) < (:before_at, CAST(:before_id AS uuid)))
    ORDER BY activity DESC, r.room_id DESC LIMIT :limit
    """  # noqa: S608 - made of column names
)


def list_page(
    user_id: str, *, room_type: str | None, before: tuple[datetime, UUID] | None, limit: int
) -> Sequence[Row[*tuple[Any, ...]]]:
    """A user's rooms, newest activity first; `before` is the place of the last one shown."""
    before_at, before_id = before or (None, None)
    given = {
        "user_id": user_id,
        "room_type": room_type,
        "before_at": before_at,
        "before_id": before_id,
        "limit": limit,
    }
    return db.session.execute(_LIST, given).all()
