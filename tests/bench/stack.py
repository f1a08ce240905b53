"""What is measured: the product's own processes over an own PostgreSQL that really syncs, and an own Valkey."""

from __future__ import annotations

import http.client
import os
import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import psycopg
from flask import Flask
from redis import Redis

from tests.bench.dataset import Dataset
from tests.bench.work import BenchError
from webapp.app import create_app
from webapp.config import Config
from webapp.embedded.plan import MIGRATIONS, WEB, WORKERS, Command
from webapp.embedded.postgres import start_postgres
from webapp.embedded.processes import Child, Server, find_free_port, run_to_end, start_child, wait_until
from webapp.embedded.valkey import start_valkey

PROJECT = Path(__file__).resolve().parents[2]
SECRET = "a-secret-of-the-benchmarks-that-is-long-enough"
READY_SECONDS = 40.0
_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


class Stack:
    """One run's servers and data; web processes and workers come and go with each work."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="focusmate-bench-"))
        self.postgres: Server = start_postgres(self.folder / "postgres", settings={"synchronous_commit": "on"})
        try:
            self.valkey: Server = start_valkey(self.folder / "valkey")
        except BaseException:
            self.postgres.stop()
            raise

    def __enter__(self) -> Stack:
        return self

    def __exit__(self, *_: object) -> None:
        self.valkey.stop()
        self.postgres.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    @cached_property
    def app(self) -> Flask:
        """The application in this process, for tokens and for the SQL that limits repeat; migrations have run."""
        run_to_end(self._start(MIGRATIONS), self._log(MIGRATIONS.name), seconds=120)
        # The tokens of a run outlive it.
        config = Config(
            database_url=self.postgres.url,
            redis_url=self.valkey.url,
            secret_key=SECRET,
            rate_limit_factor=0,
            access_token_seconds=86_400,
            log_level="ERROR",
        )
        return create_app(config)

    @cached_property
    def data(self) -> Dataset:
        """Bulk rows, made straight in the tables."""
        return Dataset(self.app, self.connect())

    def connect(self) -> psycopg.Connection[tuple[object, ...]]:
        """A connection of the bench's own, in autocommit."""
        return psycopg.connect(self.postgres.url, autocommit=True)

    @contextmanager
    def running(self, web: int = 1, *, workers: bool = False) -> Iterator[Running]:
        """So many fresh web processes, and Celery workers if need be, over an empty Valkey."""
        self.data.settle()
        with Redis.from_url(self.valkey.url) as client:
            client.flushall()
        for log in self._product_logs:
            log.unlink(missing_ok=True)
        port = find_free_port()
        env = {"BIND": f"127.0.0.1:{port}", "PORT": str(port), "WEB_CONCURRENCY": str(web)}
        running = Running(self, port)
        try:
            if workers:
                running.workers = [self._start(command) for command in WORKERS]
            running.web = self._start(WEB, env)
            running.wait_until_ready(web)
            yield running
        finally:
            for child in running.children:
                child.stop(grace=5.0)

    def _start(self, command: Command, env: dict[str, str] | None = None) -> Child:
        settings = {
            "DATABASE_URL": self.postgres.url,
            "REDIS_URL": self.valkey.url,
            "SECRET_KEY": SECRET,
            "DATA_DIR": str(self.folder / "files"),
            "RATE_LIMIT_FACTOR": "0",
            "LOG_LEVEL": "WARNING",
        }
        return start_child(
            command.name,
            [sys.executable, "-m", *command.arguments],
            log=self._log(command.name),
            env={**os.environ, **settings, **(env or {})},
            cwd=PROJECT,
            death_signal=command.death_signal,
        )

    def _log(self, name: str) -> Path:
        return self.folder / "log" / f"{name}.log"

    def complaints(self) -> list[str]:
        """The last lines that the product's processes have logged, which explain a failure best."""
        lines: list[str] = []
        for log in filter(Path.exists, self._product_logs):
            found = [line for line in log.read_text(errors="replace").splitlines() if line.startswith("{")]
            lines += [f"    {log.stem}: {line[:300]}" for line in found[-3:]]
        return lines

    @property
    def _product_logs(self) -> list[Path]:
        return [self._log(command.name) for command in (WEB, *WORKERS)]


@dataclass
class Running:
    """Web processes that answer, and what they and the servers below them use."""

    stack: Stack
    port: int
    web: Child | None = None
    workers: list[Child] = field(default_factory=list)

    @property
    def children(self) -> list[Child]:
        return [*([self.web] if self.web else []), *self.workers]

    def wait_until_ready(self, web: int) -> None:
        """All web processes are there, and the worker's pool if there is one."""
        assert self.web is not None
        master = self.web.pid
        if not wait_until(lambda: self._answers() and len(_tree(master)) > web, READY_SECONDS):
            raise BenchError("the web processes were not ready in time")

    def _answers(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=3)
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def cpu(self) -> dict[str, float]:
        """CPU seconds used so far, by part."""
        web = [self.web.pid] if self.web else []
        parts = {"web": web, "PG": [self.stack.postgres.pid], "Valkey": [self.stack.valkey.pid]}
        if self.workers:
            parts["worker"] = [worker.pid for worker in self.workers]
        return {part: sum(map(cpu_seconds, pids)) for part, pids in parts.items()}

    def web_memory(self) -> int:
        """Resident bytes of the web processes."""
        assert self.web is not None
        return sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE for pid in _tree(self.web.pid))


@dataclass
class CpuMeter:
    """What each part has used since the meter was started."""

    running: Running
    start: dict[str, float] = field(init=False)

    def __post_init__(self) -> None:
        self.start = self.running.cpu()

    def per(self, units: float, unit: str, factor: float = 1e3) -> dict[str, float]:
        """CPU time of each part and of all, per unit: milliseconds, or microseconds with a factor of a million."""
        if not units:
            raise BenchError("nothing was done while it was measured")
        used = {part: value - self.start[part] for part, value in self.running.cpu().items()}
        name = {1e3: "ms", 1e6: "µs"}[factor]
        shares = {f"{part} {name}/{unit}": value / units * factor for part, value in used.items()}
        return {f"CPU {name}/{unit}": sum(shares.values()), **shares}


def cpu_seconds(root: int) -> float:
    """User and system time of a process, its living descendants, and all that they have waited for."""
    return sum(sum(map(int, _stat(pid)[11:15])) for pid in _tree(root)) / _TICKS


def _tree(root: int) -> list[int]:
    found = [root]
    for pid in found:
        try:
            found += _children(pid)
        except OSError:
            continue
    return [pid for pid in found if Path(f"/proc/{pid}").exists()]


def _children(pid: int) -> Iterable[int]:
    for task in Path(f"/proc/{pid}/task").iterdir():
        yield from map(int, (task / "children").read_text().split())


def _stat(pid: int) -> list[str]:
    """The fields after the name, which may hold anything; gone is a process that has used nothing."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ["0"] * 50
