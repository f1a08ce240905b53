"""Presence: who is connected, told to the open rooms of those who show it, never in blind rooms or across a block."""

from __future__ import annotations

from collections.abc import Iterable

from webapp.core import clock
from webapp.domain import limits
from webapp.events.publisher import Letter, Signal, publisher, room_channel, user_channel
from webapp.events.types import PresenceChanged, PresenceData
from webapp.integrations import presence as connections
from webapp.repositories import presence_rooms

# A reload or a change of network is no absence.
GONE_AFTER_SECONDS = 5.0


def came(user_id: str, connection_id: str) -> None:
    """Count a socket in: the first one makes a person present, the eleventh closes the oldest."""
    alive = connections.add(user_id, connection_id)
    surplus = alive[: -limits.SOCKETS_PER_USER]
    if surplus:
        publisher.publish(user_channel(user_id), Letter(closing=tuple(surplus)))
    if len(alive) == 1:
        _tell(user_id, is_online=True)


def went(user_id: str, connection_id: str) -> None:
    """Count a socket out: after the last one the person is away."""
    if connections.remove(user_id, connection_id) == 0:
        _tell(user_id, is_online=False)


def moved(user_id: str, connection_id: str) -> None:
    """Count a socket out whose process ends: its client comes back elsewhere, so nobody is told."""
    connections.remove(user_id, connection_id)


def keep(alive: Iterable[tuple[str, str]]) -> None:
    """Renew this process's sockets before they count as gone."""
    connections.keep(alive)


def _tell(user_id: str, *, is_online: bool) -> None:
    for place in presence_rooms.places(user_id):
        data = PresenceData(member_id=place.member_id, is_online=is_online)
        event = PresenceChanged(room_id=place.room_id, at=clock.now(), data=data)
        signal = Signal(event.encoded(), droppable=True, except_members=place.except_members)
        publisher.publish(room_channel(place.room_id), signal)
