"""One use case, one transaction: rows and numbers inside, events and tasks only after commit."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from flask_sqlalchemy.session import Session
from sqlalchemy.orm import scoped_session

from webapp.core import clock
from webapp.core.errors import AppError, ErrorCode
from webapp.core.extensions import db
from webapp.events.publisher import Letter, LogEntry, Published, publisher, room_channel, user_channel
from webapp.events.types import LoggedEvent
from webapp.integrations.tasks import dirty_rooms
from webapp.models.room import Room
from webapp.repositories import rooms


@dataclass
class UnitOfWork:
    """What a use case works with: the session, one instant (`now`), numbers of the locked room, and events to emit."""

    session: scoped_session[Session]
    now: datetime
    _log: list[LogEntry] = field(default_factory=list)
    _outbound: list[tuple[str, Published]] = field(default_factory=list)
    _room: Room | None = None

    def lock_room(self, room_id: UUID) -> Room:
        """Lock the one room that this transaction changes; commit order becomes number order."""
        if self._room is not None and self._room.room_id != room_id:
            raise RuntimeError("a transaction locks at most one room")
        room = rooms.lock(room_id)
        if room is None:
            raise AppError(ErrorCode.room_not_found)
        self._room = room
        return room

    def adopt(self, room: Room) -> Room:
        """A room made by this transaction counts as locked by it."""
        self._room = room
        return room

    def next_seq(self) -> int:
        """The locked room's next number; it belongs to exactly one row."""
        if self._room is None:
            raise RuntimeError("lock the room before taking a number")
        self._room.last_seq += 1
        return self._room.last_seq

    def emit(
        self,
        event: LoggedEvent,
        *,
        born: int | None = None,
        sender: UUID | None = None,
        leaver: UUID | None = None,
        reason: str | None = None,
    ) -> None:
        """Publish a logged event after commit; see LogEntry for who may see it."""
        self._log.append(LogEntry(event.seq, event.after, event.encoded(), born, sender, leaver, reason))

    def signal(self, room_id: UUID, item: Published) -> None:
        """Publish something that is not logged to a room's sockets after commit."""
        self._outbound.append((room_channel(room_id), item))

    def tell(self, user_id: str, *, auth_rev: int | None = None, rooms_rev: int | None = None) -> None:
        """Make one person's sockets catch up with a new revision after commit."""
        self._outbound.append((user_channel(user_id), Letter(auth_rev=auth_rev, rooms_rev=rooms_rev)))

    def _publish(self) -> None:
        if self._room is not None and self._log:
            publisher.publish(room_channel(self._room.room_id), self._log)
            dirty_rooms.mark(self._room.room_id)
        for channel, item in self._outbound:
            publisher.publish(channel, item)


@contextmanager
def unit_of_work() -> Iterator[UnitOfWork]:
    """Run a use case: commit at the end and publish, or roll all of it back."""
    uow = UnitOfWork(db.session, clock.now())
    try:
        yield uow
        db.session.commit()
    except BaseException:
        db.session.rollback()
        raise
    uow._publish()


@contextmanager
def snapshot() -> Iterator[datetime]:
    """Read head and rows as of one instant: REPEATABLE READ, read only, on the primary."""
    db.session.rollback()
    db.session.connection(execution_options={"isolation_level": "REPEATABLE READ", "postgresql_readonly": True})
    try:
        yield clock.now()
        # Nothing was written: a commit only spares the statements that the driver has prepared, a rollback drops them.
        db.session.commit()
    except BaseException:
        db.session.rollback()
        raise


@contextmanager
def reading() -> Iterator[datetime]:
    """Read what one statement at a time answers, without the round trips of a transaction around it.

    Inside another use case it reads within that transaction, and leaves its end to it.
    """
    if db.session().in_transaction():
        yield clock.now()
        return
    db.session.connection(execution_options={"isolation_level": "AUTOCOMMIT"})
    try:
        yield clock.now()
    finally:
        db.session.rollback()
