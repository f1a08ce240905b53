"""W1: sending into one room."""

from __future__ import annotations

from functools import partial

from tests.bench import limits
from tests.bench.clients import Loop, await_hello, close_all, open_sockets
from tests.bench.dataset import Person, Room
from tests.bench.stack import Running, Stack
from tests.bench.traffic import HttpSender, SocketSender, Traffic, sending
from tests.bench.work import Case, Figures, Scale, Table, Work

LISTENERS = 2
BATCH = 64
SETTLE_SECONDS = 60.0


def measure(stack: Stack, scale: Scale, table: Table) -> None:
    """By REST and by socket, from one process and from two, beside pgbench with the same statement."""
    people = stack.data.people(LISTENERS + 64)
    room, bare = stack.data.room(people), stack.data.room(people)
    for web in (1,) if scale.short else (1, 2):
        amounts = (1, 64) if scale.short else (1, 16, 64) if web == 1 else (16, 64)
        with stack.running(web) as running:
            cases: dict[str, Case] = {}
            for amount in amounts:
                for door in ("REST", "socket"):
                    name = f"{door}, {amount} senders, {web} web"
                    cases[name] = partial(send, running, door, people, [room], amount, scale)
                if web == 1:
                    limit = partial(limits.appending, stack, [bare], clients=amount, seconds=scale.seconds)
                    cases[f"limit: pgbench, {amount} clients"] = limit
            if web == 1:
                batches = partial(limits.appending, stack, [bare], clients=2, seconds=scale.seconds, batch=BATCH)
                cases[f"limit: pgbench, {BATCH} messages a commit"] = batches
            table.measure(scale, cases)


def send(running: Running, door: str, people: list[Person], rooms: list[Room], amount: int, scale: Scale) -> Figures:
    """So many senders at once, each waiting for its answers; the first people listen in all of the rooms."""
    loop, traffic = Loop(), Traffic(LISTENERS)
    ids = [room.room_id for room in rooms]
    listeners = open_sockets(loop, running.port, [p.token for p in people[:LISTENERS]], traffic.take)
    # Each sender has rooms of its own where there are enough of them.
    shares = [ids[n::amount] or ids for n in range(amount)]
    kind = HttpSender if door == "REST" else SocketSender
    given = zip(people[LISTENERS:], shares, strict=False)
    senders = [kind(loop, running.port, person, share, traffic) for person, share in given]
    try:
        await_hello(loop, [sender.socket for sender in senders if isinstance(sender, SocketSender)])
        loop.run_until_quiet(SETTLE_SECONDS)
        return sending(running, loop, traffic, senders, scale)
    finally:
        close_all([*listeners, *senders])


WORK = Work(
    "W1",
    "send into one room: 2 connected listeners and the senders' own sockets, each sender waits for its answer",
    (
        "by socket at 64 senders ≥ 2,700 messages/s and ≥ 0.6 of an event loop in C++ with group commit",
        "≤ 0.6 ms CPU a message",
        "answer p50 ≤ 2 ms at one sender",
        "two web processes carry near twice one",
    ),
    measure,
)
