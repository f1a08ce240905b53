"""Changed rows back into events: what a cursor missed, each row once, as it is now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Annotated, Any, NamedTuple
from uuid import UUID

import orjson
from pydantic import Field

from webapp.events import types as events
from webapp.schemas.base import View

ReplayedEvent = Annotated[
    events.MessageCreated
    | events.MessageUpdated
    | events.MessageDeleted
    | events.MemberUpdated
    | events.RoomUpdated
    | events.Skip,
    Field(discriminator="type"),
]


class ChangesView(View):
    """What happened in a room after a cursor; `recovered: false` means that the room must be loaded anew."""

    changes: list[ReplayedEvent]
    head_seq: int
    through_seq: int
    epoch: str
    recovered: bool


class Replayed(NamedTuple):
    """An event of a catch-up: its number, and itself as JSON."""

    seq: int
    encoded: bytes


_CREATED, _UPDATED, _DELETED = (
    kind.model_fields["type"].default for kind in (events.MessageCreated, events.MessageUpdated, events.MessageDeleted)
)


def message(shown: Mapping[str, Any], after: int, *, is_new: bool) -> bytes:
    """A message as every member sees it, in JSON's form, as the event that brings a client up to date with it.

    Without a model: a catch-up has thousands of these.
    """
    changed = _DELETED if shown["is_deleted"] else _UPDATED
    event = {
        "type": _CREATED if is_new else changed,
        "room_id": shown["room_id"],
        "seq": shown["changed_seq"],
        "after": after,
        "at": shown["updated_at"],
        "data": {"message": shown},
    }
    return orjson.dumps(event, option=orjson.OPT_UTC_Z)


def skip(room_id: UUID, seq: int, after: int, at: datetime) -> events.Skip:
    """A number with nothing in it for this receiver."""
    return events.Skip(room_id=room_id, seq=seq, after=after, at=at)


def closing(room_id: UUID, last: int, through: int, at: datetime) -> Iterator[events.Skip]:
    """The skip that ends a catch-up whose last numbers were superseded or invisible."""
    if through > last:
        yield skip(room_id, through, last, at)
