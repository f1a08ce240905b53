"""W3: pages of a long history."""

from __future__ import annotations

from functools import partial

from tests.bench import limits
from tests.bench.clients import request
from tests.bench.reading import reading
from tests.bench.stack import Stack
from tests.bench.work import Case, Scale, Table, Work
from webapp.repositories import history

MESSAGES = 100_000
PAGE = 50
CALLERS = (1, 16)
_MARKER = b'"message_id":'


def measure(stack: Stack, scale: Scale, table: Table) -> None:
    """The newest page and one from the middle, beside the statement that finds it."""
    people = stack.data.people(max(CALLERS))
    room = stack.data.room(people, messages=10_000 if scale.short else MESSAGES)
    places = {"newest": history.PAST_THE_HEAD, "deep": room.head // 2}
    statement = history._statement(PAGE, 0, in_thread=False, first_unread=False)
    with stack.running() as running:
        cases: dict[str, Case] = {}
        for place, pivot in places.items():
            before = "" if place == "newest" else f"&before_seq={pivot}"
            path = f"/chats/rooms/{room.room_id}/messages?limit={PAGE}{before}"
            parameters = {"user_id": people[0].user_id, "room_id": room.room_id, "pivot": pivot, "thread_id": None}
            for callers in CALLERS:
                requests = [request("GET", path, person.token) for person in people[:callers]]
                cases[_name(place, callers)] = partial(reading, running, requests, _MARKER, PAGE, scale)
                cases["limit: the statement, " + _name(place, callers)] = partial(
                    limits.querying, stack, statement, parameters, callers=callers, seconds=scale.seconds / 2
                )
        table.measure(scale, cases)
    for place in places:
        for callers in CALLERS:
            table.relate(_name(place, callers), "limit: the statement, " + _name(place, callers), "requests/s")


def _name(place: str, callers: int) -> str:
    return f"{place} {PAGE}, {callers} callers"


WORK = Work(
    "W3",
    f"history of a room with {MESSAGES:,} messages, {PAGE} a page",
    ("≤ 1.5 ms CPU a request", "flat in room age"),
    measure,
)
