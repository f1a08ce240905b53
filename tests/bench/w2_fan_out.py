"""W2: one message to everybody in a large room."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from time import perf_counter

from tests.bench import limits
from tests.bench.clients import Loop, await_hello, close_all, open_sockets
from tests.bench.dataset import Person, Room
from tests.bench.stack import CpuMeter, Running, Stack
from tests.bench.traffic import ListeningSender, Traffic
from tests.bench.work import Case, Figures, Scale, Table, Work, times

SIZES = (200, 1_000, 5_000)
WINDOW = 8
SETTLE_SECONDS = 240.0
QUIET_SECONDS = 2.0


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
    before, began = running.web_memory(), perf_counter()
    sockets = open_sockets(loop, running.port, [p.token for p in people[WINDOW:]], traffic.take)
    # Everybody's presence is told to everybody first.
    loop.run_until_quiet(SETTLE_SECONDS, quiet=QUIET_SECONDS)
    opening = {
        "ms/connect": (perf_counter() - began - QUIET_SECONDS) / len(sockets) * 1e3,
        "KiB/connection": (running.web_memory() - before) / len(sockets) / 1024,
    }
    cases: dict[str, Case] = {}
    for window in (1, WINDOW):
        name = f"{size:,} connected, {window} under way, {web} web"
        cases[name] = partial(_deliver, running, loop, traffic, senders[:window], opening, scale)
        if web == 1:
            cases[_limit(size, window)] = partial(_bare, loop, traffic, window, size, scale)
    try:
        table.measure(scale, cases)
    finally:
        close_all([*sockets, *senders])
    for window in (1, WINDOW):
        table.relate(f"{size:,} connected, {window} under way, {web} web", _limit(size, window), "deliveries/s")


def _limit(size: int, window: int) -> str:
    return f"limit: bare Python loop, {size:,} connections, {window} under way"


def _bare(loop: Loop, traffic: Traffic, window: int, size: int, scale: Scale) -> Figures:
    return limits.bare_fan_out(loop, traffic.sample, size, window=window, seconds=scale.seconds / 2)


def _deliver(
    running: Running, loop: Loop, traffic: Traffic, senders: Sequence[ListeningSender], opening: Figures, scale: Scale
) -> Figures:
    traffic.run(loop, senders, scale.warm_up)
    meter = CpuMeter(running)
    elapsed = traffic.run(loop, senders, scale.seconds)
    delivered = len(traffic.deliveries)
    return {
        "deliveries/s": delivered / elapsed,
        **times("last member", traffic.whole),
        **meter.per(delivered, "delivery", 1e6),
        **opening,
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
