"""Catching up: changes, hello, sync, and the limits that the server enforces."""

from __future__ import annotations

from typing import Any, Literal
from uuid import UUID

from webapp.schemas.base import View


class HelloRoomView(View):
    room_id: UUID
    member_id: UUID
    head_seq: int
    visible_from_seq: int
    last_read_seq: int
    unread_count: int
    mention_count: int
    read_rev: int
    directory_rev: int


class HelloView(View):
    session_id: UUID
    user_id: str
    epoch: str
    heartbeat_ms: int
    max_frame: int
    limits: dict[str, Any]
    rooms: list[HelloRoomView]
    next_cursor: str | None


class LimitsView(View):
    """Every number that a client may meet."""

    content_length: int
    display_name_length: int
    room_name_length: int
    edit_window_seconds: int
    distinct_reactions: int
    pins: int
    mentions: int
    slow_mode_seconds: int
    poll_options: int
    room_members: int
    invitation_hours: dict[str, int]
    invitation_uses: dict[str, int]
    page: int
    page_maximum: int
    changes_per_room: int
    sync_rooms: int
    sync_changes: int
    frame_bytes: int
    body_bytes: int
    frames_per_minute: int
    sockets_per_user: int
    typing_throttle_ms: int
    typing_shown_ms: int
    rates_per_minute: dict[str, int]


class HealthView(View):
    status: Literal["ok", "unavailable"]
    checks: dict[str, bool]
