"""W7: everybody comes back at once."""

from __future__ import annotations

from functools import partial
from time import perf_counter

from tests.bench.clients import Loop, WebSocket, text_frame
from tests.bench.dataset import Person, Room
from tests.bench.stack import CpuMeter, Running, Stack
from tests.bench.work import Figures, Scale, Table, Work, times

PEOPLE = 1_000
ROOMS = 50
ROOMS_EACH = 20
MISSED = 10
LONGEST_SECONDS = 120.0
_CHANGE = b'"type":"message"'
_MORE = b'"more":[]'


class Returner(WebSocket):
    """Comes back, syncs all rooms from the cursors it had, and is whole when it has every change."""

    def __init__(self, loop: Loop, port: int, person: Person, cursors: bytes, expected: int) -> None:
        self._sync = text_frame(b'{"id":1,"type":"sync","cursors":{' + cursors + b"}}")
        self._expected = expected
        self.began = perf_counter()
        self.greeted = self.whole = 0.0
        super().__init__(loop, port, person.token, self._answered)

    def _greet(self, payload: bytes) -> None:
        super()._greet(payload)
        self.greeted = perf_counter()
        self.send(self._sync)

    def _answered(self, payload: bytes) -> None:
        if payload.startswith(b'{"id":1,"ok":true') and payload.count(_CHANGE) == self._expected and _MORE in payload:
            self.whole = perf_counter()


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
    loop, meter, began = Loop(), CpuMeter(running), perf_counter()
    cursors = [f'"{room.room_id}":{room.head - MISSED}' for room in rooms]
    sockets: list[Returner] = []
    try:
        for p, person in enumerate(people):
            behind = ",".join(cursors[(p + n) % ROOMS] for n in range(ROOMS_EACH)).encode()
            sockets.append(Returner(loop, running.port, person, behind, ROOMS_EACH * MISSED))
        loop.run_until(lambda: all(socket.whole for socket in sockets), LONGEST_SECONDS, "every socket whole")
        return {
            "seconds until all are whole": perf_counter() - began,
            **times("hello", [socket.greeted - socket.began for socket in sockets]),
            **times("whole", [socket.whole - socket.began for socket in sockets]),
            **meter.per(len(people), "socket"),
        }
    finally:
        for socket in sockets:
            socket.close()


WORK = Work(
    "W7",
    f"reconnect storm: {PEOPLE:,} sockets at once, {ROOMS_EACH} rooms each, {MISSED} missed messages a room",
    ("every socket gets all that it missed",),
    measure,
)
