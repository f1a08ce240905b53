"""Changed rows back into events: what a cursor missed, each row once, as it is now."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field

from webapp.events import types as events
from webapp.events.types import LoggedEvent
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


def chained(found: list[LoggedEvent], cursor: int) -> list[LoggedEvent]:
    """Give each event the number before it in this stream, first the cursor."""
    chain = []
    for event in found:
        chain.append(event.model_copy(update={"after": cursor}))
        cursor = event.seq
    return chain


def skip(room_id: UUID, seq: int, after: int, at: datetime) -> events.Skip:
    """A number with nothing in it for this receiver."""
    return events.Skip(room_id=room_id, seq=seq, after=after, at=at)


def closing(room_id: UUID, last: int, through: int, at: datetime) -> Iterator[events.Skip]:
    """The skip that ends a catch-up whose last numbers were superseded or invisible."""
    if through > last:
        yield skip(room_id, through, last, at)
