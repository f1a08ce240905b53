"""Fan-out of one room: a cursor over its log, and the connections that follow it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from uuid import UUID

import gevent
from gevent.lock import BoundedSemaphore

from webapp.core import clock, metrics
from webapp.events import types as events
from webapp.events.publisher import LogEntry, MarkUpdate, Signal
from webapp.realtime.connections import Connection, Follow
from webapp.realtime.frames import frame
from webapp.schemas.rooms import ReadMarksView

YIELD_EVERY = 200
HELD_BOUND = 2_000


@dataclass(slots=True)
class RoomStream:
    """Delivers a room's events in number order, each once. `cursor` is the highest number below which all was.

    A page of the log that was cut leaves the stream `is_amid`: what was born below the cursor and changed since lies in
    pages to come, so nothing but these may follow (a reaction, for one, would miss its message). `turn` is held while
    delivering, which yields to others between receivers.
    """

    room_id: UUID
    unfollow: Callable[[Connection, UUID], None]
    cursor: int | None = None
    follows: dict[Connection, Follow] = field(default_factory=dict)
    waiting: dict[int, LogEntry] = field(default_factory=dict)
    is_catching_up: bool = False
    is_amid: bool = False
    is_gap_timed: bool = False
    turn: BoundedSemaphore = field(default_factory=BoundedSemaphore)

    def move_to(self, head: int) -> None:
        """Follow the log from this number on; what lies at or below it is known to whoever reads the head later."""
        self.cursor, self.is_amid = head, False
        self.waiting = {seq: entry for seq, entry in self.waiting.items() if seq > head}

    def offer(self, entries: Iterable[LogEntry]) -> bool:
        """Take published entries and deliver what continues the cursor; False when a number is missing."""
        for entry in entries:
            if self.cursor is None or entry.seq > self.cursor:
                self.waiting[entry.seq] = entry
        if len(self.waiting) > HELD_BOUND:
            self.waiting.clear()
            return False
        # Whoever reads the log or delivers now goes on with these.
        if self.is_catching_up or self.turn.locked():
            return True
        with self.turn:
            self._deliver_waiting()
        return not self.waiting

    def replay(self, entries: Sequence[LogEntry], through: int, *, is_cut: bool = False) -> None:
        """Deliver what was read from the log, then what continues it, if that was all."""
        with self.turn:
            cursor = self.cursor or 0
            self.move_to(max(cursor, through))
            self.is_amid = is_cut
            self._deliver([entry for entry in entries if entry.seq > cursor])
            self._deliver_waiting()

    def signal(self, item: Signal) -> None:
        """Pass on something that isn't logged, to those of the room who may have it."""
        frames = frame(item.payload)
        for connection, follow in self._receivers():
            if follow.member_id in item.except_members or item.sender in follow.hidden:
                continue
            if item.only_receipts and not connection.shows_receipts:
                continue
            connection.deliver(follow, frames, droppable=item.droppable)

    def tell_marks(self, update: MarkUpdate) -> None:
        """Give each member's sockets that member's own marks."""
        now = clock.now()
        for connection, follow in self._receivers():
            marks = update.marks.get(str(follow.member_id))
            if marks is not None:
                data = ReadMarksView(room_id=self.room_id, **marks)
                event = events.UnreadUpdated(room_id=self.room_id, at=now, data=data)
                connection.deliver(follow, frame(event.encoded()))

    def _deliver_waiting(self) -> None:
        while run := self._next_run():
            self._deliver(run)

    def _next_run(self) -> list[LogEntry]:
        run: list[LogEntry] = []
        while (
            not self.is_amid
            and self.cursor is not None
            and (entry := self.waiting.pop(self.cursor + 1, None)) is not None
        ):
            run.append(entry)
            self.cursor = entry.seq
        return run

    def _deliver(self, entries: Sequence[LogEntry]) -> None:
        """In order; whoever a membership change removes gets nothing after it."""
        run: list[LogEntry] = []
        for entry in entries:
            run.append(entry)
            if entry.leaver is not None:
                self._send(run[:-1])
                self._see_off(entry)
                self._send(run[-1:])
                run = []
        self._send(run)

    def _send(self, entries: Sequence[LogEntry]) -> None:
        if not entries:
            return
        whole = b"".join(frame(entry.payload) for entry in entries)
        oldest = min((entry.born for entry in entries if entry.born is not None), default=None)
        for connection, follow in self._receivers():
            sees_all = not follow.hidden and (oldest is None or follow.visible_from <= oldest)
            connection.deliver(follow, whole if sees_all else self._as_seen(entries, follow))
        metrics.deliveries.inc(len(entries) * len(self.follows))

    def _receivers(self) -> Iterator[tuple[Connection, Follow]]:
        """Everyone who follows now and still does when it is their turn; others run in between."""
        for number, (connection, follow) in enumerate(list(self.follows.items()), start=1):
            if self.follows.get(connection) is follow:
                yield connection, follow
            if number % YIELD_EVERY == 0:
                gevent.sleep(0)

    def _as_seen(self, entries: Sequence[LogEntry], follow: Follow) -> bytes:
        """Only the number of what this member may not see."""
        frames = []
        for entry in entries:
            is_old = entry.born is not None and entry.born < follow.visible_from
            if is_old or (entry.sender is not None and entry.sender in follow.hidden):
                skip = events.Skip(room_id=self.room_id, seq=entry.seq, after=entry.after, at=clock.now())
                frames.append(frame(skip.encoded()))
            else:
                frames.append(frame(entry.payload))
        return b"".join(frames)

    def _see_off(self, entry: LogEntry) -> None:
        """The leaver's sockets get `room_removed` last, and nothing of the room after it."""
        for connection, follow in list(self.follows.items()):
            if follow.member_id != entry.leaver or follow.since >= entry.seq:
                continue
            data = events.RoomRemovedData.model_validate({"reason": entry.reason or "left"})
            removed = events.RoomRemoved(
                room_id=self.room_id, seq=entry.seq, after=entry.after, at=clock.now(), data=data
            )
            connection.deliver(follow, frame(removed.encoded()))
            self.unfollow(connection, self.room_id)
