"""W2: one message to everybody in a large room."""

from __future__ import annotations

from collections.abc import Sequence

from tests.bench import limits
from tests.bench.clients import Loop, await_hello, close_all, open_sockets
from tests.bench.dataset import Person, Room
from tests.bench.stack import CpuMeter, Running, Stack
from tests.bench.traffic import ListeningSender, Traffic
from tests.bench.work import Case, Figures, Scale, Table, Work, times

SIZES = (200, 1_000, 5_000)
WINDOW = 8


def measure(stack: Stack, scale: Scale, table: Table) -> None:
    """One message at a time, then several under way, beside a bare loop of sends over as many connections."""
    sizes = SIZES[:1] if scale.short else SIZES
    people = stack.data.people(max(sizes))
    for size in sizes:
        room = stack.data.room(people[:size])
        for web in (1,) if scale.short else (1, 2):
            with stack.running(web) as running:
                _measure_room(running, web, people[:size], room, scale, table)


def _measure_room(running: Running, web: int, people: list[Person], room: Room, scale: Scale, table: Table) -> None:
    size = len(people)
    loop, traffic = Loop(), Traffic(size, paced=True)
    senders = [ListeningSender(loop, running.port, p, [room.room_id], traffic) for p in people[:WINDOW]]
    await_hello(loop, [sender.socket for sender in senders])
    before = running.web_memory()
    sockets = open_sockets(loop, running.port, [p.token for p in people[WINDOW:]], traffic.take)
    kib = (running.web_memory() - before) / len(sockets) / 1024
    one, many = f"{size:,} connected, one at a time, {web} web", f"{size:,} connected, {WINDOW} under way, {web} web"
    bare = f"limit: bare Python loop, {size:,} connections"
    cases: dict[str, Case] = {
        one: lambda: _deliver(running, loop, traffic, senders[:1], scale) | {"KiB/connection": kib},
        many: lambda: _deliver(running, loop, traffic, senders, scale),
    }
    if web == 1:
        cases[bare] = lambda: limits.bare_fan_out(loop, traffic.sample, size, scale.seconds / 2)
    try:
        table.measure(scale, cases)
    finally:
        close_all([*sockets, *senders])
    table.relate(one, bare, "deliveries/s")
    table.relate(many, bare, "deliveries/s")


def _deliver(
    running: Running, loop: Loop, traffic: Traffic, senders: Sequence[ListeningSender], scale: Scale
) -> Figures:
    traffic.run(loop, senders, scale.warm_up)
    meter = CpuMeter(running)
    elapsed = traffic.run(loop, senders, scale.seconds)
    delivered = len(traffic.deliveries)
    return {
        "deliveries/s": delivered / elapsed,
        **times("last member", traffic.whole),
        **meter.per(delivered, "delivery", 1e6),
    }


WORK = Work(
    "W2",
    "fan-out in one room; a message goes out when the one before it has reached everybody",
    (
        "≤ 16 µs CPU a delivery",
        "≥ 0.65 of the bare Python loop",
        "≤ 25 KiB a connection",
        "linear in receivers",
        "two web processes carry near twice one",
    ),
    measure,
)
