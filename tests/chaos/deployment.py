"""The product as it is deployed, in processes that may be killed or frozen and come back as they were."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from urllib.request import urlopen

from flask import Flask

from tests.chaos.faults import Fault
from tests.chaos.figures import Figures
from tests.conftest import TEST_SECRET
from tests.realtime.processes import ROOT, Web
from webapp.app import create_app
from webapp.config import Config
from webapp.embedded.plan import BEAT, MIGRATIONS, WEB, WORKERS, Command
from webapp.embedded.postgres import start_postgres
from webapp.embedded.processes import Child, find_free_port, run_to_end, start_child
from webapp.embedded.valkey import start_valkey


@dataclass
class Part:
    """One process with its children, and how it is started again."""

    start: Callable[[], Child]
    child: Child = field(init=False)
    frozen: list[int] = field(default_factory=list)
    is_struck: bool = False

    def __post_init__(self) -> None:
        self.child = self.start()

    def kill(self) -> None:
        """End it without a word; its children see for themselves."""
        self.is_struck = True
        self.child.kill()

    def kill_a_child(self, choice: float) -> None:
        """End one of its children, which it should replace."""
        children = family(self.child.pid)[1:]
        if children:
            _signal([children[int(choice * len(children))]], signal.SIGKILL)

    def freeze(self) -> None:
        """It keeps its connections and locks, and does nothing."""
        self.frozen = family(self.child.pid)
        _signal(self.frozen, signal.SIGSTOP)

    def thaw(self) -> None:
        """It goes on where it was."""
        _signal(self.frozen, signal.SIGCONT)
        self.frozen = []

    def revive(self) -> None:
        """Start it again, unless it runs."""
        self.is_struck = False
        if not self.child.running:
            self.child.kill()
            self.child = self.start()


class Front(Web):
    """A web process as its users know it: by its port."""

    def __init__(self, log: Path) -> None:
        self.port, self.log = find_free_port(), log


class Deployment:
    """PostgreSQL that really syncs, Valkey, two web processes, a worker and beat, in one folder."""

    def __init__(self, folder: Path, figures: Figures) -> None:
        self.folder, self.figures = folder, figures
        self.parts: dict[str, Part] = {}
        self._ports = {"postgres": find_free_port(), "valkey": find_free_port()}
        self.fronts = {name: Front(self.log(name)) for name in ("web1", "web2")}
        try:
            self._start()
        except BaseException:
            self.stop()
            raise

    def log(self, name: str) -> Path:
        """Where a part writes."""
        return self.folder / "log" / f"{name}.log"

    def _start(self) -> None:
        self.parts["postgres"] = Part(self._start_postgres)
        self.parts["valkey"] = Part(self._start_valkey)
        (self.folder / "tmp").mkdir()
        run_to_end(self._launch(MIGRATIONS), self.log(MIGRATIONS.name), seconds=120)
        for name, front in self.fronts.items():
            self.parts[name] = Part(partial(self._launch, WEB, name, front.port))
        self.parts["worker"] = Part(partial(self._launch, WORKERS[0]))
        self.parts["beat"] = Part(partial(self._launch, BEAT))
        for front in self.fronts.values():
            front.wait("/readyz")

    def _start_postgres(self) -> Child:
        settings = {"synchronous_commit": "on"}
        log, port = self.log("postgres"), self._ports["postgres"]
        server = start_postgres(self.folder / "postgres", port=port, settings=settings, log=log)
        self.database_url = server.url
        return server.child

    def _start_valkey(self) -> Child:
        server = start_valkey(self.folder / "valkey", port=self._ports["valkey"], log=self.log("valkey"))
        self.redis_url = server.url
        return server.child

    def _launch(self, command: Command, name: str = "", port: int = 0) -> Child:
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "TMPDIR": str(self.folder / "tmp"),
            "PYTHONPATH": str(ROOT),
            "DATABASE_URL": self.database_url,
            "REDIS_URL": self.redis_url,
            "SECRET_KEY": TEST_SECRET,
            "RATE_LIMIT_FACTOR": "0",
            "WEB_CONCURRENCY": "1",
            "PORT": str(port),
        }
        line = [sys.executable, "-m", *command.arguments]
        return start_child(command.name, line, log=self.log(name or command.name), env=environment, cwd=ROOT)

    def console(self) -> Flask:
        """The application in this process, for what is done behind the product's back; its tokens outlive the run."""
        config = Config(
            database_url=self.database_url,
            redis_url=self.redis_url,
            secret_key=TEST_SECRET,
            rate_limit_factor=0,
            access_token_seconds=86_400,
            log_level="ERROR",
        )
        return create_app(config)

    def strike(self, fault: Fault) -> Callable[[], None] | None:
        """Let a fault happen; how it is made good, or None if the part isn't there to be struck."""
        part = self.parts[fault.part]
        if part.frozen or not part.child.running:
            return None
        if fault.part in self.fronts:
            self.count_catch_ups(fault.part)
        if fault.blow == "freeze":
            part.freeze()
            return part.thaw
        if fault.blow == "kill a child":
            part.kill_a_child(fault.child)
        else:
            part.kill()
        return part.revive

    def raise_the_fallen(self) -> None:
        """Start again what ended without being struck, as a supervisor does.

        A worker may: kombu's transport can fail while it hands tasks back to a broker that has gone.
        """
        for name, part in self.parts.items():
            if not part.is_struck and not part.child.running:
                what = f"{name} ended by itself: {part.child.ending}"
                if name == "worker":
                    self.figures.add(what)
                else:
                    self.figures.surprise(what)
                part.revive()

    def count_catch_ups(self, name: str) -> None:
        """Add up how often a web process read the log instead of Redis, before it forgets."""
        address = f"http://127.0.0.1:{self.fronts[name].port}/metrics"
        with suppress(OSError), urlopen(address, timeout=1) as answer:
            for line in answer.read().decode().splitlines():
                if line.startswith("fanout_catch_ups_total"):
                    self.figures.add("catch-ups of the fan-out", float(line.split()[-1]))

    def heal(self) -> None:
        """Everything runs and answers."""
        for part in self.parts.values():
            part.thaw()
            part.revive()
        for front in self.fronts.values():
            front.wait("/readyz")

    def stop(self) -> None:
        """End all processes, the servers last."""
        for name, part in reversed(self.parts.items()):
            part.thaw()
            if name == "postgres":
                part.child.stop(5.0)
            else:
                part.child.kill()


def family(root: int) -> list[int]:
    """A process and its living descendants."""
    found = [root]
    for pid in found:
        with suppress(OSError):
            for task in Path(f"/proc/{pid}/task").iterdir():
                found += map(int, (task / "children").read_text().split())
    return found


def _signal(pids: list[int], number: signal.Signals) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)
