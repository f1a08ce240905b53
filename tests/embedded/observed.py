"""What the kernel says about processes, for tests that start real ones."""

from __future__ import annotations

import os
import sys
import sysconfig
import time
from collections.abc import Callable, Iterable
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
PYTHON = sys.executable


def is_alive(pid: int) -> bool:
    """Zombies don't count: who should reap them may be slow."""
    try:
        return _stat(pid)[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def descendants(pid: int) -> set[int]:
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                children.setdefault(int(_stat(int(entry.name))[1]), []).append(int(entry.name))
            except (FileNotFoundError, ProcessLookupError):
                continue
    found: set[int] = set()
    waiting = [pid]
    while waiting:
        below = children.get(waiting.pop(), [])
        found.update(below)
        waiting.extend(below)
    return found


def children_of(pid: int) -> set[int]:
    return {child for child in descendants(pid) if int(_stat(child)[1]) == pid}


def living_in(folder: Path) -> list[int]:
    """Processes that work in a folder or name it, such as the servers whose files it holds."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                known_by = (entry / "cwd").readlink().as_posix() + (entry / "cmdline").read_text()
            except OSError:
                continue
            if str(folder) in known_by:
                found.append(int(entry.name))
    return found


def user_of(pid: int) -> int:
    return Path(f"/proc/{pid}").stat().st_uid


def eventually(condition: Callable[[], bool], seconds: float = 15.0) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def all_end(pids: Iterable[int], seconds: float = 15.0) -> bool:
    return eventually(lambda: not any(is_alive(pid) for pid in pids), seconds)


def clean_environment(**more: str) -> dict[str, str]:
    """The environment of this process without what would point a run elsewhere."""
    left_out = {"DATABASE_URL", "REDIS_URL", "SECRET_KEY", "APP_ENV", "DATA_DIR", "PORT"}
    kept = {name: value for name, value in os.environ.items() if name not in left_out}
    packages = f"{PROJECT}:{sysconfig.get_path('purelib')}"
    return {**kept, "PYTHONPATH": packages, "PYTHONUNBUFFERED": "1", **more}


def _stat(pid: int) -> list[str]:
    """State, parent and so on: the fields after the name, which may hold spaces."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
