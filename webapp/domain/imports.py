"""Identifiers of messages that were written elsewhere, or earlier: the same line gets the same one each time."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID, uuid5

from webapp.core.ids import time_ordered_id

_LINES = UUID("0d5e7a52-9c39-5f43-8a7c-3f2f6f1f6f0e")
_BELOW_THE_TIME = (1 << 80) - 1


def dated_id(at: datetime) -> UUID:
    """A time-ordered id of a past moment, so that lists ordered by id show history in its place."""
    milliseconds = int(at.timestamp() * 1000)
    return UUID(int=milliseconds << 80 | time_ordered_id().int & _BELOW_THE_TIME)


def line_key(room_id: UUID, user_id: str, at: datetime, text: str) -> UUID:
    """What makes two lines of any file say the same: room, author, time and text."""
    return uuid5(_LINES, f"{room_id}\n{user_id}\n{at.isoformat()}\n{text}")


def occurrence_id(key: UUID, occurrence: int) -> UUID:
    """The `client_message_id` of the n-th line with this key; people do say the same twice in a minute."""
    return uuid5(key, str(occurrence))
