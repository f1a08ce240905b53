"""W5: the room list with unread counts."""

from __future__ import annotations

from functools import partial

from sqlalchemy.dialects.postgresql import psycopg

from tests.bench import limits
from tests.bench.clients import request
from tests.bench.reading import reading
from tests.bench.stack import Stack
from tests.bench.work import Case, Scale, Table, Work
from webapp.repositories import room_list

ROOMS = 100
MESSAGES = 50
CALLERS = (1, 16)
_MARKER = b'"unread_count":'


def measure(stack: Stack, scale: Scale, table: Table) -> None:
    """All rooms in one page, beside the statement that finds them."""
    people = stack.data.people(max(CALLERS))
    for _ in range(ROOMS):
        stack.data.room(people, messages=MESSAGES)
    statement = str(room_list._LIST.compile(dialect=psycopg.dialect()))
    nowhere = {"room_type": None, "before_at": None, "before_id": None}
    parameters = {"user_id": people[0].user_id, **nowhere, "limit": ROOMS + 1}
    with stack.running() as running:
        cases: dict[str, Case] = {}
        for callers in CALLERS:
            requests = [request("GET", f"/chats/rooms?limit={ROOMS}", person.token) for person in people[:callers]]
            cases[f"{callers} callers"] = partial(reading, running, requests, _MARKER, ROOMS, scale)
            cases[f"limit: the statement, {callers} callers"] = partial(
                limits.querying, stack, statement, parameters, callers=callers, seconds=scale.seconds / 2
            )
        table.measure(scale, cases)
    for callers in CALLERS:
        table.relate(f"{callers} callers", f"limit: the statement, {callers} callers", "requests/s")


WORK = Work(
    "W5",
    f"room list of a person in {ROOMS} rooms, with unread counts and last messages",
    ("≤ 1.5 ms CPU a request",),
    measure,
)
