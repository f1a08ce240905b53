"""W7: everybody comes back at once."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import partial
from time import perf_counter

from tests.bench.clients import CLOSE, Loop, WebSocket, close_all, text_frame
from tests.bench.dataset import Person, Room
from tests.bench.stack import CpuMeter, Running, Stack
from tests.bench.work import BenchError, Figures, Scale, Table, Work, times

PEOPLE = 1_000
ROOMS = 50
ROOMS_EACH = 20
MISSED = 10
LONGEST_SECONDS = 120.0
TRY_AGAIN_LATER = 1013
_CHANGE = b'"type":"message"'
_MORE = b'"more":[]'


class Returner(WebSocket):
    """Comes back, syncs all rooms from the cursors it had, and is whole when it has every change."""

    def __init__(self, loop: Loop, port: int, person: Person, sync: bytes) -> None:
        super().__init__(loop, port, person.token, self._answered)
        self._sync = sync
        self.greeted = self.whole = 0.0
        self.is_turned_away = self.is_refused = False

    def ask(self) -> None:
        self.send(self._sync)

    def _greet(self, payload: bytes) -> None:
        super()._greet(payload)
        self.greeted = perf_counter()
        self.ask()

    def _answered(self, payload: bytes) -> None:
        if payload.startswith(b'{"id":1,"ok":false'):
            self.is_refused = True
        elif payload.startswith(b'{"id":1,'):
            if payload.count(_CHANGE) != ROOMS_EACH * MISSED or _MORE not in payload:
                raise BenchError(f"a sync was not whole: {payload[:300]!r}")
            self.whole = perf_counter()

    def _control(self, kind: int, payload: bytes) -> None:
        if kind == CLOSE and int.from_bytes(payload[:2]) == TRY_AGAIN_LATER:
            self.is_turned_away = True
            self.close()
        else:
            super()._control(kind, payload)


class Storm:
    """Everybody's sockets; whoever is put off tries again, as a client does, after one to two seconds."""

    def __init__(self, port: int, people: list[Person], rooms: list[Room]) -> None:
        self._loop, self._port, self._people = Loop(), port, people
        cursors = [f'"{room.room_id}":{room.head - MISSED}' for room in rooms]
        self._syncs = [_sync(cursors, p) for p in range(len(people))]
        self._due: list[tuple[float, Callable[[], None]]] = []
        self.sockets: dict[int, Returner] = {}
        self.put_off = 0

    def break_out(self) -> float:
        """Open all at once; the seconds until everybody is whole."""
        began = perf_counter()
        for p in range(len(self._people)):
            self._open(p)
        self._loop.run_until(self._is_over, LONGEST_SECONDS, "every socket whole")
        return perf_counter() - began

    def _open(self, p: int) -> None:
        self.sockets[p] = Returner(self._loop, self._port, self._people[p], self._syncs[p])

    def _is_over(self) -> bool:
        for p, socket in list(self.sockets.items()):
            if socket.is_turned_away:
                del self.sockets[p]
                self._later(partial(self._open, p))
            elif socket.is_refused:
                socket.is_refused = False
                self._later(socket.ask)
        now = perf_counter()
        for again in [again for at, again in self._due if at <= now]:
            again()
        self._due = [(at, again) for at, again in self._due if at > now]
        return len(self.sockets) == len(self._people) and all(socket.whole for socket in self.sockets.values())

    def _later(self, again: Callable[[], None]) -> None:
        self.put_off += 1
        self._due.append((perf_counter() + random.uniform(1, 2), again))


def _sync(cursors: list[str], person: int) -> bytes:
    behind = ",".join(cursors[(person + n) % ROOMS] for n in range(ROOMS_EACH))
    return text_frame(f'{{"id":1,"type":"sync","cursors":{{{behind}}}}}'.encode())


def measure(stack: Stack, scale: Scale, table: Table) -> None:
    """Each has rooms with missed messages; a fresh process has to learn everything anew."""
    amount = 200 if scale.short else PEOPLE
    people = stack.data.people(amount)
    rooms = [stack.data.room(_members(people, n), messages=50 + MISSED) for n in range(ROOMS)]
    for web in (1,) if scale.short else (1, 2):
        table.measure(scale, {f"{amount:,} sockets, {web} web": partial(_storm, stack, web, people, rooms)})


def _members(people: list[Person], room: int) -> list[Person]:
    """Person p is in the rooms p, p + 1 … p + 19 of a circle, so rooms are of one size."""
    return [person for p, person in enumerate(people) if (room - p) % ROOMS < ROOMS_EACH]


def _storm(stack: Stack, web: int, people: list[Person], rooms: list[Room]) -> Figures:
    with stack.running(web) as running:
        return _come_back(running, people, rooms)


def _come_back(running: Running, people: list[Person], rooms: list[Room]) -> Figures:
    storm = Storm(running.port, people, rooms)
    meter, began = CpuMeter(running), perf_counter()
    try:
        seconds = storm.break_out()
        return {
            "seconds until all are whole": seconds,
            "put off": storm.put_off,
            **times("hello", [socket.greeted - began for socket in storm.sockets.values()]),
            **times("whole", [socket.whole - began for socket in storm.sockets.values()]),
            **meter.per(len(people), "socket"),
        }
    finally:
        close_all(storm.sockets.values())


WORK = Work(
    "W7",
    f"reconnect storm: {PEOPLE:,} sockets at once, {ROOMS_EACH} rooms each, {MISSED} missed messages a room",
    ("every socket gets all that it missed", "nobody is put off"),
    measure,
)
