"""W5: the room list with unread counts."""

from __future__ import annotations

from functools import partial

from tests.bench import limits
from tests.bench.clients import request
from tests.bench.reading import reading
from tests.bench.stack import Stack
from tests.bench.work import Case, Scale, Table, Work
from webapp.schemas.rooms import RoomsQuery
from webapp.services import rooms

ROOMS = 100
MESSAGES = 50
CALLERS = (1, 16)
_MARKER = b'"unread_count":'


def measure(stack: Stack, scale: Scale, table: Table) -> None:
    """All rooms in one page, beside the statements that find them."""
    people = stack.data.people(max(CALLERS))
    for _ in range(ROOMS):
        stack.data.room(people, messages=MESSAGES)
    shares = CALLERS[-1:] if scale.short else CALLERS
    with stack.running() as running:
        statements = limits.statements_of(stack, partial(rooms.list_rooms, people[0].actor, RoomsQuery(limit=ROOMS)))
        cases: dict[str, Case] = {}
        for callers in shares:
            requests = [request("GET", f"/chats/rooms?limit={ROOMS}", person.token) for person in people[:callers]]
            cases[f"{callers} callers"] = partial(reading, running, requests, _MARKER, ROOMS, scale)
            cases[f"limit: the SQL, {callers} callers"] = partial(
                limits.querying, stack, statements, callers=callers, seconds=scale.seconds / 2
            )
        table.measure(scale, cases)
    for callers in shares:
        table.relate(f"{callers} callers", f"limit: the SQL, {callers} callers", "requests/s")


WORK = Work(
    "W5",
    f"room list of a person in {ROOMS} rooms, with unread counts and last messages",
    ("≤ 1.5 ms CPU a request",),
    measure,
)
