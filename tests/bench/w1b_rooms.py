"""W1b: sending into many rooms at once."""

from __future__ import annotations

from functools import partial

from tests.bench import limits
from tests.bench.stack import Stack
from tests.bench.w1_send import LISTENERS, send
from tests.bench.work import Scale, Table, Work

ROOMS = 200
SENDERS = 64
LIMIT = f"limit: pgbench, {SENDERS} clients, {ROOMS} rooms"


def measure(stack: Stack, scale: Scale, table: Table) -> None:
    """Each sender has three or four rooms of its own; two people listen in all of them."""
    people = stack.data.people(LISTENERS + SENDERS)
    listeners, senders = people[:LISTENERS], people[LISTENERS:]
    rooms = [stack.data.room([*listeners, senders[n % SENDERS]]) for n in range(ROOMS)]
    bare = [stack.data.room(listeners) for _ in range(ROOMS)]
    limit = partial(limits.appending, stack, bare, clients=SENDERS, seconds=scale.seconds)
    for web in (1,) if scale.short else (1, 2):
        names = {door: f"{door}, {SENDERS} senders, {web} web" for door in ("REST", "socket")}
        with stack.running(web) as running:
            cases = {name: partial(send, running, door, people, rooms, SENDERS, scale) for door, name in names.items()}
            table.measure(scale, {**cases, LIMIT: limit} if web == 1 else cases)
        for name in names.values():
            table.relate(name, LIMIT, "messages/s")


WORK = Work(
    "W1b",
    f"send spread over {ROOMS} rooms, {SENDERS} senders, 2 connected to each room and its sender",
    ("≥ 0.8 of pgbench",),
    measure,
)
