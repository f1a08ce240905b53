"""`make chaos`: load, faults, rest, proof; 1 if anything that must hold does not."""

from __future__ import annotations

import argparse
import heapq
import itertools
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import orjson
import psycopg

from tests.chaos import world as worlds
from tests.chaos.deployment import Deployment
from tests.chaos.device import close_all
from tests.chaos.faults import Fault, drawn
from tests.chaos.figures import Figures
from tests.chaos.member import Member
from tests.chaos.proof import Proof
from webapp.embedded.processes import wait_until

SETTLE_SECONDS = 60.0
# A beat that was killed leaves its lock for half a minute, then sweeps after a quarter.
REST_SECONDS = 120.0
SHOWN = 5
_LAGGING = "SELECT count(*) FROM room_cursors c JOIN chat_rooms r USING (room_id) WHERE c.seq < r.last_seq"
_HEADS = "SELECT room_id::text, last_seq FROM chat_rooms"


class Run:
    """One run from its first process to its verdict."""

    def __init__(self, folder: Path, *, seed: int, seconds: float, pause: float) -> None:
        self.seed, self.seconds, self.pause = seed, seconds, pause
        self.figures = Figures()
        self.deployment = Deployment(folder, self.figures)
        self.members: list[Member] = []
        self.violations: dict[str, list[str]] = {}
        self.facts: list[str] = []

    def go(self) -> bool:
        """Everything, in order; whether all of it held."""
        try:
            app = self.deployment.console()
            world = worlds.build(app)
            webs = list(self.deployment.fronts.values())
            for number, user in enumerate(world.people):
                self.members.append(
                    Member(world, user, webs, self.figures, seed=f"{self.seed}-{number}", pause=self.pause)
                )
            began = time.monotonic()
            for member in self.members:
                member.start()
            self._strike_all(drawn(self.seed, self.seconds), began)
            ended = time.monotonic()
            self.deployment.heal()
            self._come_to_rest(ended)
            silence = self.figures.longest_silence(began, ended)
            self.figures.add("seconds without a send acknowledged, at most", round(silence, 1))
            self.figures.add("seconds that a send took, at most", round(self.figures.slowest_seconds, 1))
            with app.app_context():
                from webapp.core.extensions import db

                # What it was connected to has died since.
                db.engine.dispose()
            logs = sorted((self.deployment.folder / "log").iterdir())
            proof = Proof(world, self.members, webs, app, self.deployment.database_url, logs)
            for name, found in proof.verdicts():
                self.violations[name] = found
            self.facts += proof.facts
        finally:
            close_all([member.device for member in self.members])
            self.deployment.stop()
        self.violations["nothing happened that no fault excuses"] = [
            f"{what} ({count} times)" for what, count in self.figures.surprises.items()
        ]
        return not any(self.violations.values())

    # -- faults

    def _strike_all(self, faults: Sequence[Fault], began: float) -> None:
        """Strike and make good when the time has come, until the end of the run."""
        order = itertools.count()
        due: list[tuple[float, int, Fault | Callable[[], None]]] = []
        for fault in faults:
            heapq.heappush(due, (began + fault.at, next(order), fault))
        end = began + self.seconds
        while due and due[0][0] < end:
            at, _, what = heapq.heappop(due)
            time.sleep(max(0.0, at - time.monotonic()))
            if isinstance(what, Fault):
                made_good = self.deployment.strike(what)
                self.figures.add(f"faults: {what.blow} {what.part}" if made_good else "faults that found nothing")
                if made_good:
                    heapq.heappush(due, (time.monotonic() + what.seconds, next(order), made_good))
            else:
                what()
        time.sleep(max(0.0, end - time.monotonic()))

    # -- rest

    def _come_to_rest(self, ended: float) -> None:
        """The members finish, the counters come to the heads, the clients are whole."""
        for member in self.members:
            member.rest(SETTLE_SECONDS)
        for member in self.members:
            member.join(SETTLE_SECONDS + 30)
            if member.is_alive():
                self.figures.surprise("a member could not finish")
        whole = wait_until(self._are_clients_whole, REST_SECONDS)
        self.figures.add("seconds until clients were whole", round(time.monotonic() - ended, 1))
        counted = wait_until(lambda: self._ask(_LAGGING)[0][0] == 0, REST_SECONDS)
        self.figures.add("seconds until counters were at rest", round(time.monotonic() - ended, 1))
        for name in self.deployment.fronts:
            self.deployment.count_catch_ups(name)
        if not whole:
            self.figures.surprise("clients were not whole in time")
        if not counted:
            self.figures.surprise("counters were not at the heads in time")
        for name, part in self.deployment.parts.items():
            if not part.child.running:
                self.figures.surprise(f"{name} ended by itself: {part.child.ending}")

    def _are_clients_whole(self) -> bool:
        time.sleep(0.2)
        heads = dict(self._ask(_HEADS))
        return all(
            member.device.is_here
            and (room := member.device.rooms.get(str(place.room_id))) is not None
            and room.last == heads[str(place.room_id)]
            for member in self.members
            for place in member.places
        )

    def _ask(self, query: str) -> list[tuple[object, ...]]:
        with psycopg.connect(self.deployment.database_url) as connection:
            return connection.execute(query.encode()).fetchall()

    # -- the report

    def report(self) -> None:
        """Figures, then a line for every property."""
        print(f"seed {self.seed}, {self.seconds:g} s of load and faults; at rest {'; '.join(self.facts)}")
        for name, count in sorted(self.figures.counts.items()):
            print(f"  {name}: {count:g}")
        for complaint, count in self._complaints().most_common(SHOWN):
            print(f"  logged {count} times: {complaint}")
        for name, found in self.violations.items():
            print(f"{'FAILED' if found else 'holds '}  {name}")
            for violation in found[:SHOWN]:
                print(f"          {violation}")
            if len(found) > SHOWN:
                print(f"          … and {len(found) - SHOWN} more")

    def _complaints(self) -> Counter[str]:
        """What the product's processes have logged as errors."""
        found: Counter[str] = Counter()
        for name in ("web1", "web2", "worker", "beat"):
            for line in self.deployment.log(name).read_bytes().splitlines():
                try:
                    said = orjson.loads(line)
                except orjson.JSONDecodeError:
                    found[f"{name}: {line.decode(errors='replace')[:150]}"] += 1
                    continue
                if said["level"] in {"ERROR", "CRITICAL"}:
                    last = said.get("exception", "").strip().rsplit("\n", 1)[-1]
                    found[f"{name}: {said['message'][:100]} {said.get('error', '')} {said.get('place', '')} {last[:150]}"] += 1
        return found


def main(arguments: Sequence[str]) -> int:
    """Run once; the folder with all logs stays if something did not hold."""
    parser = argparse.ArgumentParser(prog="make chaos ARGS=…", description=__doc__)
    parser.add_argument("--seconds", type=float, default=1800, help="how long there is load and faults (1800)")
    parser.add_argument("--short", action="store_true", help="a form for CI: 25 seconds of them")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6), help="what fixes the faults")
    parser.add_argument("--pause", type=float, default=1.0, help="mean seconds between two acts of a member (1)")
    asked = parser.parse_args(arguments)
    folder = Path(tempfile.mkdtemp(prefix="focusmate-chaos-"))
    print(f"seed {asked.seed}; logs in {folder}", file=sys.stderr, flush=True)
    run = Run(folder, seed=asked.seed, seconds=25 if asked.short else asked.seconds, pause=asked.pause)
    held = run.go()
    run.report()
    if held:
        shutil.rmtree(folder, ignore_errors=True)
    else:
        print(f"logs of all processes: {folder / 'log'}")
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
