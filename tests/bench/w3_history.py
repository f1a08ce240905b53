"""W3: pages of a long history."""

from __future__ import annotations

from functools import partial
from uuid import UUID

from tests.bench import limits
from tests.bench.clients import request
from tests.bench.reading import reading
from tests.bench.stack import Stack
from tests.bench.work import Case, Scale, Table, Work
from webapp.schemas.messages import History
from webapp.services import history

MESSAGES = 100_000
PAGE = 50
CALLERS = (1, 16)
LIMIT = "limit: the SQL, "
_MARKER = b'"message_id":'


def measure(stack: Stack, scale: Scale, table: Table) -> None:
    """The newest page and one from the middle, beside the statements that find them."""
    people = stack.data.people(max(CALLERS))
    room = stack.data.room(people, messages=MESSAGES)
    shares = CALLERS[-1:] if scale.short else CALLERS
    cases: dict[str, Case] = {}
    with stack.running() as running:
        for place, before in {"newest": None, "deep": room.head // 2}.items():
            path = f"/chats/rooms/{room.room_id}/messages?limit={PAGE}" + (f"&before_seq={before}" if before else "")
            query = History(limit=PAGE, before_seq=before)
            statements = limits.statements_of(stack, partial(history.page, people[0].actor, UUID(room.room_id), query))
            for callers in shares:
                name = f"{place} {PAGE}, {callers} callers"
                requests = [request("GET", path, person.token) for person in people[:callers]]
                cases[name] = partial(reading, running, requests, _MARKER, PAGE, scale)
                cases[LIMIT + name] = partial(
                    limits.querying, stack, statements, callers=callers, seconds=scale.seconds / 2
                )
        table.measure(scale, cases)
    for name in cases:
        if not name.startswith(LIMIT):
            table.relate(name, LIMIT + name, "requests/s")


WORK = Work(
    "W3",
    f"history of a room with {MESSAGES:,} messages, {PAGE} a page",
    ("≤ 1.5 ms CPU a request", "flat in room age"),
    measure,
)
