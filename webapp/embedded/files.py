"""Locks, kept secrets and logs: the few files that launchers own."""

from __future__ import annotations

import fcntl
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from webapp.embedded.errors import StartError

_LOG_BYTES = 16 * 1024 * 1024
_TAIL_LINES = 12
_PAUSE = 0.02


def make_folder(path: Path, mode: int = 0o700) -> None:
    """Make a folder and its parents; like every file here, one made by root belongs to the owner of its parent."""
    if path.is_dir():
        return
    make_folder(path.parent, 0o755)
    path.mkdir(mode, exist_ok=True)
    if os.geteuid() == 0:
        owner = path.parent.stat()
        os.chown(path, owner.st_uid, owner.st_gid)


@contextmanager
def held_lock(path: Path, *, seconds: float = 0.0) -> Iterator[int]:
    """Hold an exclusive lock on `path`, waiting at most `seconds`; a child given the descriptor holds it on."""
    descriptor = _open(path, os.O_RDWR | os.O_CREAT)
    try:
        _lock_within(descriptor, path, seconds)
        yield descriptor
    finally:
        os.close(descriptor)


def _lock_within(descriptor: int, path: Path, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while True:
        try:
            return fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                raise StartError(
                    f"다른 실행이 이 폴더를 쓰고 있습니다: {path.parent}",
                    f"Another run is using this folder: {path.parent}",
                ) from None
        time.sleep(_PAUSE)


def kept_secret(path: Path, proposal: str | None = None) -> str:
    """The secret stored in `path`; where there is none yet, the proposal or a random one is stored, mode 0600."""
    if path.exists() and (stored := path.read_text().strip()):
        return stored
    secret = proposal or secrets.token_urlsafe(32)
    write_private(path, secret + "\n")
    return secret


def write_private(path: Path, text: str) -> None:
    """Replace `path` by a file that only its owner may read; a crash leaves the old one or the new one."""
    fresh = path.with_name(path.name + ".new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(_open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL), "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


def open_log(path: Path) -> int:
    """Open `path` for appending; one that has grown large is first set aside as `<name>.1`."""
    make_folder(path.parent)
    if path.exists() and path.stat().st_size > _LOG_BYTES:
        path.replace(path.with_name(path.name + ".1"))
    return _open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)


def last_lines(path: Path) -> str:
    """The end of a log, enough to see why its writer ended."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - 8192))
            text = file.read().decode(errors="replace")
    except OSError:
        return ""
    return "\n".join(text.splitlines()[-_TAIL_LINES:])


def _open(path: Path, flags: int) -> int:
    descriptor = os.open(path, flags | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    if os.geteuid() == 0:
        owner = path.parent.stat()
        os.fchown(descriptor, owner.st_uid, owner.st_gid)
    return descriptor
