"""Group commit: sends that wait for one room are numbered, inserted and committed in one statement.

The one exception to "one use case, one transaction". Whoever comes while a room's commit is under way joins the next
one; nobody waits for a timer. A few greenlets with a reserved connection each take turns over the rooms that have
something waiting, and no room is ever in two of their hands. One sender's failure never fails another: a repeated
`client_message_id` gets the stored message, another body under it gets a conflict, and after a lost connection the ids
tell what was committed.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Iterable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from dataclasses import dataclass, field
from queue import SimpleQueue
from uuid import UUID

import psycopg
from psycopg import errors as pg

from webapp import presenters
from webapp.core import clock
from webapp.core.errors import AppError, ErrorCode
from webapp.core.extensions import db
from webapp.domain import rooms as room_rules
from webapp.events.publisher import LogEntry, publisher, room_channel
from webapp.events.types import MessageCreated, MessageData
from webapp.integrations.tasks import dirty_rooms
from webapp.repositories import append
from webapp.repositories.append import Connection, NewMessage, RoomGate, Sender
from webapp.schemas.messages import MessageView

log = logging.getLogger(__name__)

BATCH = 128
COMMITTERS = 12
ATTEMPTS = 6
WAIT_SECONDS = 5.0
GATES_KEPT = 2_000


class SlowModeOn(Exception):
    """The room spaces its members' messages, so a send must look at the last one under the room's lock."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A message in the log, and whether this call put it there."""

    message: MessageView
    created: bool


@dataclass(slots=True)
class _Waiting:
    """A send and everyone who waits for it: equal keys of one batch share a place."""

    message: NewMessage
    answers: list[Future[Sent]] = field(default_factory=lambda: [Future()])

    @property
    def key(self) -> tuple[str, UUID]:
        return self.message.sender_id, self.message.client_message_id

    @property
    def is_answered(self) -> bool:
        return self.answers[0].done()

    def succeed(self, view: MessageView, *, created: bool) -> None:
        first, *repeats = self.answers
        first.set_result(Sent(view, created))
        for answer in repeats:
            answer.set_result(Sent(view, created=False))

    def fail(self, error: Exception) -> None:
        for answer in self.answers:
            answer.set_exception(error)


@dataclass(slots=True)
class _Gate:
    """What this process last read of a room's gate; the append itself tells whether it still stands."""

    room: RoomGate
    senders: dict[str, Sender]


class GroupCommit:
    """The committers of one process and the sends that wait for them."""

    def __init__(self) -> None:
        self._waiting: dict[UUID, deque[_Waiting]] = {}
        self._ready: SimpleQueue[UUID] = SimpleQueue()
        self._lock = threading.Lock()
        self._committers: list[threading.Thread] = []
        self._gates: dict[UUID, _Gate] = {}

    def send(self, room_id: UUID, message: NewMessage) -> Sent:
        """Wait, at most five seconds, until the message is committed; a 503 may be repeated with the same id."""
        waiting = _Waiting(message)
        with self._lock:
            queue = self._waiting.get(room_id)
            if queue is None:
                self._waiting[room_id] = deque([waiting])
                self._ready.put(room_id)
            else:
                queue.append(waiting)
            self._ensure_running()
        try:
            return waiting.answers[0].result(WAIT_SECONDS)
        except FutureTimeout:
            raise AppError(ErrorCode.unavailable, retry_after_ms=1_000) from None

    def _ensure_running(self) -> None:
        if not self._committers:
            conninfo = db.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
            self._committers = [
                threading.Thread(target=self._commit_forever, args=(conninfo,), name=f"committer-{n}", daemon=True)
                for n in range(COMMITTERS)
            ]
            for committer in self._committers:
                committer.start()

    def _commit_forever(self, conninfo: str) -> None:
        connection: Connection | None = None
        while True:
            room_id = self._ready.get()
            with self._lock:
                queue = self._waiting[room_id]
                batch = [queue.popleft() for _ in range(min(BATCH, len(queue)))]
            connection = self._commit(conninfo, connection, room_id, _merged(batch))
            with self._lock:
                if self._waiting[room_id]:
                    self._ready.put(room_id)
                else:
                    del self._waiting[room_id]

    def _commit(
        self, conninfo: str, connection: Connection | None, room_id: UUID, batch: list[_Waiting]
    ) -> Connection | None:
        """Bring a batch to its end, over lost connections and moved gates; the connection for the next one."""
        may_be_stored = False
        for _ in range(ATTEMPTS):
            # An attempt that was interrupted may have refused some.
            batch = [waiting for waiting in batch if not waiting.is_answered]
            try:
                if connection is None or connection.closed:
                    connection, may_be_stored = append.open_connection(conninfo), True
                    # It may be another life of the database, in which the same revision says something else.
                    self._gates.clear()
                if may_be_stored:
                    batch, may_be_stored = self._settle_stored(connection, room_id, batch), False
                batch = self._attempt(connection, room_id, batch)
            except pg.UniqueViolation:
                may_be_stored = True
            except (psycopg.OperationalError, psycopg.InterfaceError) as error:
                log.warning("commit interrupted", extra={"error": type(error).__name__, "waiting": len(batch)})
                _close(connection)
                connection = None
            except Exception as error:  # one batch must not end the committer
                log.exception("commit failed")
                _fail_all(batch, error)
                _close(connection)
                return None
            if not batch:
                return connection
        _fail_all(batch, AppError(ErrorCode.unavailable, retry_after_ms=1_000))
        return connection

    def _attempt(self, connection: Connection, room_id: UUID, batch: list[_Waiting]) -> list[_Waiting]:
        """Check and append; what remains to be tried again."""
        gate, admitted = self._admit(connection, room_id, batch)
        if gate is None or not admitted:
            return []
        now = clock.now()
        rows = [(w.message, gate.senders[w.message.sender_id].member_id) for w in admitted]
        base = append.append(connection, room_id, gate.room.access_rev, rows, now)
        if base is None:
            self._gates.pop(room_id, None)
            return admitted
        entries, views = [], []
        for seq, (message, member_id) in enumerate(rows, start=base + 1):
            view = presenters.appended(message, member_id, room_id, seq, now)
            event = MessageCreated(room_id=room_id, seq=seq, after=seq - 1, at=now, data=MessageData(message=view))
            entries.append(LogEntry(seq, seq - 1, event.encoded(), born=seq, sender=member_id))
            views.append(view)
        publisher.publish(room_channel(room_id), entries)
        dirty_rooms.mark(room_id)
        for waiting, view in zip(admitted, views, strict=True):
            waiting.succeed(view, created=True)
        return []

    def _admit(
        self, connection: Connection, room_id: UUID, batch: list[_Waiting]
    ) -> tuple[_Gate | None, list[_Waiting]]:
        """Those who may send, and by which gate. A refusal always rests on one read now, never on a remembered one."""
        gate = self._gates.get(room_id)
        if gate is not None and all(_refusal(gate, w.message) is None for w in batch):
            return gate, batch
        gate = self._read_gate(connection, room_id, batch)
        admitted = []
        for waiting in batch:
            refusal = AppError(ErrorCode.room_not_found) if gate is None else _refusal(gate, waiting.message)
            if refusal is None:
                admitted.append(waiting)
            else:
                waiting.fail(refusal)
        return gate, admitted

    def _read_gate(self, connection: Connection, room_id: UUID, batch: Iterable[_Waiting]) -> _Gate | None:
        found = append.read_gate(connection, room_id, [w.message.sender_id for w in batch])
        if found is None:
            return None
        if len(self._gates) >= GATES_KEPT:
            self._gates.clear()
        room, senders = found
        known = self._gates.get(room_id)
        if known is not None and known.room.access_rev == room.access_rev:
            senders = known.senders | senders
        gate = self._gates[room_id] = _Gate(room, senders)
        return gate

    def _settle_stored(self, connection: Connection, room_id: UUID, batch: list[_Waiting]) -> list[_Waiting]:
        """Answer those whose message the log holds already; the others remain."""
        stored = append.read_stored(connection, room_id, (w.message for w in batch))
        remaining = []
        for waiting in batch:
            row = stored.get(waiting.key)
            if row is None:
                remaining.append(waiting)
            elif row["request_hash"] == waiting.message.request_hash:
                # Ours, if it is the very row: the connection was lost after the commit.
                ours = row["message_id"] == waiting.message.message_id
                if ours:
                    dirty_rooms.mark(room_id)
                waiting.succeed(presenters.message(row), created=ours)
            else:
                waiting.fail(AppError(ErrorCode.duplicate_conflict))
        return remaining


def _refusal(gate: _Gate, message: NewMessage) -> Exception | None:
    """Why this message may not enter; None when it may."""
    sender = gate.senders.get(message.sender_id)
    if sender is None or not sender.is_active:
        return AppError(ErrorCode.room_not_found)
    try:
        room_rules.refuse_unless_open(gate.room)
        room_rules.refuse_silenced(sender.silenced_until, clock.now())
    except AppError as error:
        return error
    if sender.is_blocked:
        return AppError(ErrorCode.not_accepting_messages)
    return SlowModeOn() if gate.room.slow_mode_seconds else None


def _merged(batch: list[_Waiting]) -> list[_Waiting]:
    """One place for equal keys with equal bodies; a different body under the same key is a conflict."""
    places: dict[tuple[str, UUID], _Waiting] = {}
    for waiting in batch:
        first = places.setdefault(waiting.key, waiting)
        if first is waiting:
            continue
        if first.message.request_hash == waiting.message.request_hash:
            first.answers.extend(waiting.answers)
        else:
            waiting.fail(AppError(ErrorCode.duplicate_conflict))
    return list(places.values())


def _fail_all(batch: list[_Waiting], error: Exception) -> None:
    for waiting in batch:
        if not waiting.is_answered:
            waiting.fail(error)


def _close(connection: Connection | None) -> None:
    if connection is not None:
        connection.close()


group_commit = GroupCommit()
