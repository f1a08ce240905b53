from __future__ import annotations

import json
import os
import pwd
import shutil
import signal
import socket
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest

from tests.embedded.observed import PROJECT, PYTHON, all_end, clean_environment, descendants, living_in, user_of
from webapp.embedded import account, postgres
from webapp.embedded.errors import StartError
from webapp.embedded.postgres import start_postgres

pytestmark = pytest.mark.slow
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root hands servers to another account")


def rows(url: str, query: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(query)
        return cursor.fetchall() if cursor.description else []


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "with a space" / "postgres"


def test_what_was_stored_is_there_after_a_restart(directory: Path) -> None:
    first = start_postgres(directory)
    rows(first.url, "CREATE TABLE kept AS SELECT '학교'::text AS word")
    first.stop()
    assert all_end([first.pid])

    second = start_postgres(directory, port=first.port)
    try:
        assert second.url == first.url
        assert rows(second.url, "SELECT word FROM kept") == [("학교",)]
    finally:
        second.stop()


def test_it_is_set_up_as_the_application_needs_it(directory: Path) -> None:
    server = start_postgres(directory, fsync=False, settings={"max_connections": "250"})
    try:
        rows(server.url, "CREATE EXTENSION pg_trgm")
        rows(server.url, "CREATE EXTENSION pg_stat_statements")
        assert rows(server.url, "SELECT show_trgm('학교') <> '{}'") == [(True,)]
        assert rows(server.url, "SELECT count(*) > 0 FROM pg_stat_statements") == [(True,)]
        settings = "SELECT current_setting('max_connections'), current_setting('TimeZone'), current_database()"
        assert rows(server.url, settings) == [("250", "UTC", "focusmate")]
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(server.url, password="a guess")
        assert stat.S_IMODE((directory / "password").stat().st_mode) == 0o600
    finally:
        server.stop()


def test_a_killed_server_comes_back_with_what_was_committed(directory: Path) -> None:
    first = start_postgres(directory, fsync=False)
    rows(first.url, "CREATE TABLE kept AS SELECT generate_series(1, 20000) AS number")
    os.kill(first.pid, signal.SIGKILL)

    second = start_postgres(directory, fsync=False, port=first.port)
    try:
        assert rows(second.url, "SELECT count(*) FROM kept") == [(20000,)]
    finally:
        second.stop()
        first.stop()


def test_a_pid_file_left_behind_does_not_keep_it_from_starting(directory: Path) -> None:
    start_postgres(directory, fsync=False).stop()
    zombie = subprocess.Popen([PYTHON, "-c", ""])
    os.waitid(os.P_PID, zombie.pid, os.WEXITED | os.WNOWAIT)
    # A zombie, a living process that got the number, and a number that nobody has.
    for pid in (zombie.pid, os.getpid(), 2**22 + 1):
        (directory / "cluster" / "postmaster.pid").write_text(f"{pid}\n{directory / 'cluster'}\n1\n5432\n\n\n\nready\n")
        server = start_postgres(directory, fsync=False)
        assert rows(server.url, "SELECT 1") == [(1,)]
        server.stop()
    zombie.wait()


def test_an_interrupted_initdb_is_begun_again(directory: Path) -> None:
    (directory / "cluster.new").mkdir(parents=True)
    (directory / "cluster.new" / "PG_VERSION").write_text("18\n")
    server = start_postgres(directory, fsync=False)
    assert rows(server.url, "SELECT 1") == [(1,)]
    server.stop()


def test_a_second_server_on_the_same_folder_is_refused(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres, "_PREDECESSOR_SECONDS", 0.1)
    server = start_postgres(directory, fsync=False)
    try:
        with pytest.raises(StartError, match="Another run is using this folder"):
            start_postgres(directory, fsync=False)
        assert rows(server.url, "SELECT 1") == [(1,)]
    finally:
        server.stop()


def test_a_taken_port_is_an_error_that_shows_the_log(directory: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(StartError, match="Address already in use"):
            start_postgres(directory, fsync=False, port=port)
    assert not living_in(directory)


@pytest.mark.parametrize("only_the_launcher", [True, False])
def test_nothing_outlives_a_killed_launcher(tmp_path: Path, *, only_the_launcher: bool) -> None:
    launcher = _start_launcher(tmp_path)
    left = descendants(launcher.pid)
    assert len(left) > 3
    if only_the_launcher:
        launcher.kill()
    else:
        os.killpg(launcher.pid, signal.SIGKILL)
    assert all_end(left)
    launcher.communicate()


@as_root
def test_under_root_the_servers_run_as_nobody_below_a_closed_folder(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    launcher = _start_launcher(tmp_path)
    try:
        assert {user_of(pid) for pid in descendants(launcher.pid)} == {pwd.getpwnam("nobody").pw_uid}
    finally:
        _end(launcher)


@as_root
def test_where_no_capability_helps_it_runs_on_copies(
    directory: Path, public_folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(account, "CAPABILITIES", ())
    monkeypatch.setattr(account, "READABLE_BY_ALL", public_folder)
    server = start_postgres(directory, fsync=False)
    try:
        assert rows(server.url, "SHOW data_directory")[0][0].startswith(str(public_folder))  # type: ignore[attr-defined]
        assert str(public_folder) in capsys.readouterr().out
    finally:
        server.stop()


@as_root
def test_an_ordinary_user_runs_the_servers_as_themselves(public_folder: Path) -> None:
    user = pwd.getpwnam("daemon")
    os.chown(public_folder, user.pw_uid, user.pw_gid)
    python = _python_for(user.pw_uid)
    if python is None:
        pytest.skip("no Python here that an ordinary user may run with the project's packages")
    launcher = _start_launcher(public_folder, python=python, user=user.pw_uid)
    try:
        assert {user_of(pid) for pid in descendants(launcher.pid)} == {user.pw_uid}
    finally:
        _end(launcher)


@pytest.fixture
def public_folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def _end(launcher: subprocess.Popen[str]) -> None:
    left = descendants(launcher.pid)
    launcher.terminate()
    launcher.communicate()
    assert all_end(left)


def _python_for(user: int) -> str | None:
    """This interpreter may lie in root's home; the system's, of the same version, does as well."""
    for python in (PYTHON, "/usr/bin/python3"):
        trial = [python, "-c", "import webapp.embedded.postgres, webapp.embedded.valkey"]
        with suppress(OSError, subprocess.CalledProcessError):
            subprocess.run(trial, user=user, env=clean_environment(), cwd="/", check=True, capture_output=True)
            return python
    return None


def _start_launcher(folder: Path, *, python: str = PYTHON, user: int | None = None) -> subprocess.Popen[str]:
    launcher = subprocess.Popen(
        [python, "-m", "tests.embedded.launcher", str(folder)],
        cwd=PROJECT,
        env=clean_environment(),
        user=user,
        group=user,
        extra_groups=None if user is None else [],
        stdout=subprocess.PIPE,
        text=True,
        process_group=0,
    )
    assert launcher.stdout is not None
    assert len(json.loads(launcher.stdout.readline())) == 2
    return launcher
