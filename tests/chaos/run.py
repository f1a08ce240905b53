"""One run: load and faults, rest, proof."""

from __future__ import annotations

import heapq
import itertools
import re
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import orjson
import psycopg
from flask import Flask

from tests.chaos import world as worlds
from tests.chaos.deployment import Deployment
from tests.chaos.device import close_all
from tests.chaos.faults import Fault, drawn
from tests.chaos.figures import Figures
from tests.chaos.member import Member
from tests.chaos.proof import Proof
from tests.chaos.world import World
from webapp.core.extensions import db
from webapp.embedded.processes import wait_until

SETTLE_SECONDS = 60.0
# A beat that was killed leaves its lock for half a minute, and the next one sweeps a quarter of a minute later.
REST_SECONDS = 120.0
# How long before a silence a fault may have caused it.
BLAMED_SECONDS = 3.0
VIOLATIONS_SHOWN = 5
COMPLAINTS_SHOWN = 8
_LAGGING = "SELECT r.room_id FROM room_cursors c JOIN chat_rooms r USING (room_id) WHERE c.seq < r.last_seq"
_HEADS = "SELECT room_id, last_seq FROM chat_rooms"


class Run:
    """Everything from the first process to the verdict."""

    def __init__(self, folder: Path, *, seed: int, seconds: float, pause: float) -> None:
        self.seed, self.seconds, self.pause = seed, seconds, pause
        self.figures = Figures()
        self.deployment = Deployment(folder, self.figures)
        self.members: list[Member] = []
        self.violations: dict[str, list[str]] = {}
        self.facts: list[str] = []
        self.blows: list[tuple[float, str]] = []

    def go(self) -> bool:
        """Do it all; whether everything held."""
        try:
            app = self.deployment.console()
            world = worlds.build(app)
            self._connect(world)
            self._live()
            self._prove(world, app)
        finally:
            close_all([member.device for member in self.members])
            self.deployment.stop()
        return not any(self.violations.values())

    def _connect(self, world: World) -> None:
        webs = list(self.deployment.fronts.values())
        for number, user in enumerate(world.people):
            name = f"{self.seed}-{number}"
            self.members.append(Member(world, user, webs, self.figures, seed=name, pause=self.pause))

    def _live(self) -> None:
        began = time.monotonic()
        for member in self.members:
            member.start()
        self._strike_all(drawn(self.seed, self.seconds), began)
        ended = time.monotonic()
        self.deployment.heal()
        self._come_to_rest(ended)
        silent, until = self.figures.longest_silence(began, ended)
        struck = [what for at, what in self.blows if silent - BLAMED_SECONDS <= at <= until]
        about = f"seconds without a send acknowledged (then: {', '.join(struck) or 'no fault'})"
        self.figures.add(about, round(until - silent, 1))
        self.figures.add("seconds of the slowest send", round(self.figures.slowest_seconds, 1))

    def _prove(self, world: World, app: Flask) -> None:
        with app.app_context():
            # What it was connected to has died since.
            db.engine.dispose()
        logs = sorted((self.deployment.folder / "log").iterdir())
        webs = list(self.deployment.fronts.values())
        proof = Proof(world, self.members, webs, app, self.deployment.database_url, logs)
        self.violations |= proof.verdicts()
        self.facts = proof.facts
        surprises = [f"{what} ({count} times)" for what, count in self.figures.surprises.items()]
        self.violations["nothing happened that no fault excuses"] = surprises

    # -- faults

    def _strike_all(self, faults: Sequence[Fault], began: float) -> None:
        """Strike and make good when the time has come, until the end of the load."""
        order = itertools.count()
        due: list[tuple[float, int, Fault | Callable[[], None]]] = []
        for fault in faults:
            heapq.heappush(due, (began + fault.at, next(order), fault))
        end = began + self.seconds
        while due and due[0][0] < end:
            at, _, what = heapq.heappop(due)
            time.sleep(max(0.0, at - time.monotonic()))
            if not isinstance(what, Fault):
                what()
                self.deployment.raise_the_fallen()
            elif made_good := self.deployment.strike(what):
                self.figures.add(f"faults: {what.blow} {what.part}")
                self.blows.append((time.monotonic(), f"{what.blow} {what.part}"))
                heapq.heappush(due, (time.monotonic() + what.seconds, next(order), made_good))
        time.sleep(max(0.0, end - time.monotonic()))

    # -- rest

    def _come_to_rest(self, ended: float) -> None:
        """The members finish, the clients become whole, the counters come to the heads."""
        for member in self.members:
            member.rest(SETTLE_SECONDS)
        stages: dict[str, Callable[[], bool]] = {
            "all had finished": lambda: not any(member.is_busy for member in self.members),
            "clients were whole": self._are_clients_whole,
            "counters were at rest": lambda: not self._ask(_LAGGING),
        }
        for name, is_reached in stages.items():
            if not wait_until(is_reached, REST_SECONDS):
                self.figures.surprise(f"it never was so that {name}")
            self.figures.add(f"seconds until {name}", round(time.monotonic() - ended, 1))
        self.deployment.raise_the_fallen()
        for name in self.deployment.fronts:
            self.deployment.count_catch_ups(name)

    def _are_clients_whole(self) -> bool:
        heads = {str(room_id): head for room_id, head in self._ask(_HEADS)}
        return all(
            member.device.is_whole(str(place.room_id), heads[str(place.room_id)])
            for member in self.members
            for place in member.places
        )

    def _ask(self, query: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.deployment.database_url) as connection:
            return connection.execute(query.encode()).fetchall()

    # -- the report

    def report(self) -> None:
        """Figures, what the product complained of, and a line for every property."""
        print(f"seed {self.seed}: {self.seconds:g} s of load and faults, then {', '.join(self.facts)}")
        for name, count in sorted(self.figures.counts.items()):
            print(f"  {count:8g}  {name}")
        for complaint, times in self._complaints().most_common(COMPLAINTS_SHOWN):
            print(f"  {times:8g}  times logged by {complaint}")
        for name, found in self.violations.items():
            print(f"{'FAILED' if found else 'holds '}  {name}")
            for violation in found[:VIOLATIONS_SHOWN]:
                print(f"          {violation}")
            if len(found) > VIOLATIONS_SHOWN:
                print(f"          … and {len(found) - VIOLATIONS_SHOWN} more")

    def _complaints(self) -> Counter[str]:
        """What the product's processes have logged as errors, and how often."""
        lines = (
            (name, line)
            for name in ("web1", "web2", "worker", "beat")
            for line in self.deployment.log(name).read_bytes().splitlines()
        )
        return Counter(f"{name}: {told}" for name, line in lines if (told := _complaint(line)))


def _complaint(line: bytes) -> str | None:
    """An error in a log, without what differs each time; the last line of a bare traceback counts as one."""
    try:
        entry = orjson.loads(line)
    except orjson.JSONDecodeError:
        return line.decode(errors="replace")[:150] if re.match(rb"[\w.]+(Error|Exception)\b", line) else None
    if entry["level"] not in {"ERROR", "CRITICAL"}:
        return None
    raised = entry.get("exception", "").strip().rsplit("\n", 1)[-1]
    told = [entry["message"].split("\n", 1)[0], entry.get("error"), entry.get("place"), raised]
    return re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}|\d{3,}", "…", " ".join(filter(None, told)))[:240]
