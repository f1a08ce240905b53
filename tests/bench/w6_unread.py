"""W6: unread counters of a large room, by the Celery worker."""

from __future__ import annotations

import threading
from bisect import bisect_left
from functools import partial
from time import perf_counter, sleep

from tests.bench.clients import Loop
from tests.bench.dataset import Person, Room
from tests.bench.stack import CpuMeter, Running, Stack
from tests.bench.traffic import HttpSender, Traffic
from tests.bench.work import BenchError, Figures, Scale, Table, Work, times

MEMBERS = 1_000
LIMIT = f"limit: an UPDATE of {MEMBERS:,} rows a message"
CATCH_UP_SECONDS = 60.0
_LOOK_SECONDS = 0.003


def measure(stack: Stack, scale: Scale, table: Table) -> None:
    """From a message's answer to the moment when the counters of all members include it."""
    people = stack.data.people(MEMBERS)
    room, bare = stack.data.room(people), stack.data.room(people)
    with stack.running(workers=True) as running:
        table.measure(
            scale,
            {
                "1 sender": partial(_count, running, people[:1], room, scale),
                "16 senders": partial(_count, running, people[:16], room, scale),
                LIMIT: partial(_update, stack, bare, scale),
            },
        )
    _check(stack, room)


class Watcher:
    """Looks every few milliseconds how far the room's counters are."""

    def __init__(self, stack: Stack, room: Room) -> None:
        self._stack, self._room = stack, room
        self._is_over = threading.Event()
        self.seen_at: list[float] = []
        self.seen: list[int] = []
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def _look(self) -> None:
        statement = "SELECT seq FROM room_cursors WHERE room_id = %s AND consumer = 'unread'"
        with self._stack.connect() as connection:
            while not self._is_over.is_set():
                row = connection.execute(statement, [self._room.room_id]).fetchone()
                assert row is not None
                if not self.seen or row[0] != self.seen[-1]:
                    self.seen_at.append(perf_counter())
                    self.seen.append(int(str(row[0])))
                sleep(_LOOK_SECONDS)

    def wait_for(self, number: int) -> None:
        deadline = perf_counter() + CATCH_UP_SECONDS
        while not self.seen or self.seen[-1] < number:
            if perf_counter() > deadline:
                raise BenchError(f"the counters stand at {self.seen[-1:]} of {number} after {CATCH_UP_SECONDS:g} s")
            sleep(_LOOK_SECONDS)

    def reached(self, number: int) -> float:
        return self.seen_at[bisect_left(self.seen, number)]

    def stop(self) -> None:
        self._is_over.set()
        self._thread.join()


def _count(running: Running, people: list[Person], room: Room, scale: Scale) -> Figures:
    loop, traffic, watcher = Loop(), Traffic(0), Watcher(running.stack, room)
    senders = [HttpSender(loop, running.port, person, [room.room_id], traffic) for person in people]
    try:
        traffic.run(loop, senders, scale.warm_up)
        base = _head(running.stack, room)
        watcher.wait_for(base)
        meter, began = CpuMeter(running), perf_counter()
        traffic.run(loop, senders, scale.seconds)
        sent = len(traffic.sent)
        watcher.wait_for(base + sent)
        elapsed = perf_counter() - began
        # In a room that one process commits to, the n-th answer is the n-th number, but for the order within a commit.
        lags = [max(0.0, watcher.reached(base + n) - at) for n, at in enumerate(traffic.answered_at, start=1)]
        return {"messages/s": sent / elapsed, **times("lag", lags), **meter.per(sent, "message")}
    finally:
        watcher.stop()
        for sender in senders:
            sender.close()


def _update(stack: Stack, room: Room, scale: Scale) -> Figures:
    """What counting one message at a time would cost at the least."""
    statement = (
        "UPDATE chat_members SET unread_count = unread_count + 1, read_rev = read_rev + 1, as_of_seq = as_of_seq + 1"
        " WHERE room_id = %s"
    )
    spans = []
    with stack.connect() as connection:
        deadline = perf_counter() + scale.seconds
        while (began := perf_counter()) < deadline:
            connection.execute(statement, [room.room_id])
            spans.append(perf_counter() - began)
    return {"messages/s": len(spans) / sum(spans), **times("lag", spans)}


def _head(stack: Stack, room: Room) -> int:
    with stack.connect() as connection:
        row = connection.execute("SELECT last_seq FROM chat_rooms WHERE room_id = %s", [room.room_id]).fetchone()
    assert row is not None
    return int(str(row[0]))


def _check(stack: Stack, room: Room) -> None:
    """Fast but wrong counters would be worth nothing."""
    statement = """
        SELECT count(*) FROM chat_members m WHERE m.room_id = %(room)s AND m.unread_count <> (
            SELECT count(*) FROM chat_messages x
            WHERE x.room_id = %(room)s AND x.seq > m.last_read_seq AND x.member_id <> m.member_id)
    """
    with stack.connect() as connection:
        row = connection.execute(statement, {"room": room.room_id}).fetchone()
    if row is None or row[0]:
        raise BenchError(f"the counters of {row and row[0]} members are wrong")


WORK = Work(
    "W6",
    f"unread counters: messages into a room of {MEMBERS:,} members until all counters include them",
    ("better than an UPDATE of the whole room for each message",),
    measure,
)
