"""Connections of this process and the rooms that each follows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from gevent.lock import BoundedSemaphore

from webapp.domain.permissions import Actor
from webapp.realtime.engine import Socket
from webapp.realtime.frames import frame


@dataclass(slots=True)
class Follow:
    """One connection in one room: who it is there, what it may see, and since which number it follows.

    While `held` is a list, events wait in it: the client hasn't been told the room's head yet.
    """

    member_id: UUID
    visible_from: int
    hidden: frozenset[UUID]
    since: int
    held: list[bytes] | None


class Connection:
    """A socket with its account."""

    __slots__ = (
        "actor",
        "auth_rev",
        "connection_id",
        "expires_at",
        "follows",
        "held",
        "lock",
        "rooms_rev",
        "shows_receipts",
        "socket",
        "typed_at",
        "warned",
    )

    def __init__(
        self, socket: Socket, actor: Actor, expires_at: datetime, connection_id: str, *, shows_receipts: bool = False
    ) -> None:
        self.socket = socket
        self.actor = actor
        self.auth_rev = actor.auth_rev
        self.rooms_rev = 0
        self.expires_at = expires_at
        self.connection_id = connection_id
        self.shows_receipts = shows_receipts
        self.follows: dict[UUID, Follow] = {}
        # The account's events wait here while it is a list: `hello` comes first.
        self.held: list[bytes] | None = []
        # Held while the set of rooms changes: `hello` comes before any `room_created`.
        self.lock = BoundedSemaphore(1)
        self.typed_at: dict[UUID, float] = {}
        self.warned = False

    def deliver(self, follow: Follow, frames: bytes, *, droppable: bool = False) -> None:
        """Send a room's frames now, or hold them until the client knows the room's head."""
        if follow.held is not None:
            follow.held.append(frames)
        else:
            self.socket.send_frames(frames, droppable=droppable)

    def tell(self, payload: bytes) -> None:
        """Send one event that belongs to the account, after `hello`."""
        if self.held is not None:
            self.held.append(frame(payload))
        else:
            self.socket.send_frames(frame(payload))

    def release(self, follow: Follow) -> None:
        """The client has been told the head: what was held follows."""
        held, follow.held = follow.held, None
        if held:
            self.socket.send_frames(b"".join(held))

    def release_all(self) -> None:
        """The client has been greeted: what came for the account and its rooms meanwhile follows."""
        held, self.held = self.held, None
        if held:
            self.socket.send_frames(b"".join(held))
        for follow in list(self.follows.values()):
            self.release(follow)
