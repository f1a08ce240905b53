"""Typing: passed on, never stored. In a blind room it is "someone", and a moment late."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from uuid import UUID

from webapp.core import clock
from webapp.domain import identity
from webapp.events.publisher import Signal, publisher, room_channel
from webapp.events.types import Typing, TypingData
from webapp.repositories import rooms
from webapp.services.unit_of_work import reading

BLIND_DELAY_MS = (1_000, 3_000)


@dataclass(frozen=True, slots=True)
class Announcement:
    """A typing event, and how long to wait before it is published."""

    seconds: float
    room_id: UUID
    member_id: UUID | None
    sender: UUID

    def publish(self) -> None:
        """Tell the room's sockets, if they have room for it."""
        event = Typing(room_id=self.room_id, at=clock.now(), data=TypingData(member_id=self.member_id))
        publisher.publish(room_channel(self.room_id), Signal(event.encoded(), droppable=True, sender=self.sender))


def announcement(room_id: UUID, member_id: UUID) -> Announcement | None:
    """What a room may hear of a member who types; nothing in a room where nobody may write."""
    with reading():
        room = rooms.find(room_id)
        if room is None or room.is_frozen or room.is_archived:
            return None
        if not identity.is_blind(room.display_mode):
            return Announcement(0.0, room_id, member_id, member_id)
    least, most = BLIND_DELAY_MS
    return Announcement((least + secrets.randbelow(most - least)) / 1000, room_id, None, member_id)
