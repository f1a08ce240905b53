"""Rules of rooms: what keeps a member from writing, and where a new member's view begins."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Protocol

from webapp.core.errors import AppError, ErrorCode


class RoomState(Protocol):
    """What a send looks at in a room."""

    @property
    def is_active(self) -> bool: ...
    @property
    def is_archived(self) -> bool: ...
    @property
    def is_frozen(self) -> bool: ...


def direct_key(one: str, other: str) -> str:
    """The same for both orders of a pair, so that a unique index keeps them at one direct room."""
    pair = "\x00".join(sorted((one, other)))
    return hashlib.sha256(pair.encode()).hexdigest()


def begins_visible_at(room_type: str, visibility: str, joined_seq: int) -> int:
    """History is open in direct and public rooms; in private and matching ones it begins with the joined number."""
    if room_type == "direct" or (room_type == "team" and visibility == "public"):
        return 0
    return joined_seq


def refuse_unless_open(room: RoomState) -> None:
    """Nobody changes an archived or frozen room's conversation."""
    if room.is_archived or not room.is_active:
        raise AppError(ErrorCode.room_archived)
    if room.is_frozen:
        raise AppError(ErrorCode.room_frozen)


def refuse_silenced(silenced_until: datetime | None, now: datetime) -> None:
    """A silenced member may read but not write; the answer says for how long."""
    if silenced_until is not None and silenced_until > now:
        remaining = (silenced_until - now).total_seconds()
        raise AppError(
            ErrorCode.member_silenced,
            {"silenced_until": silenced_until},
            retry_after_ms=int(remaining * 1000),
        )


def slow_mode_wait_ms(slow_mode_seconds: int, last_sent_at: datetime | None, now: datetime) -> int:
    """Milliseconds until a member may send again; 0 when they may now."""
    if slow_mode_seconds == 0 or last_sent_at is None:
        return 0
    waited = (now - last_sent_at).total_seconds()
    return max(0, round((slow_mode_seconds - waited) * 1000))
