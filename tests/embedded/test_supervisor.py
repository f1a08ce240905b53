from __future__ import annotations

import os
import signal
import socket
import stat
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
import redis

from tests.embedded.observed import (
    PROJECT,
    PYTHON,
    all_end,
    children_of,
    clean_environment,
    descendants,
    eventually,
    is_alive,
    living_in,
)
from webapp.embedded.processes import find_free_port

pytestmark = pytest.mark.slow


ELSEWHERE = {"DATABASE_URL": "postgresql://elsewhere/chat", "REDIS_URL": "redis://elsewhere/0"}


class Run:
    """`make run` with stand-ins for the application, and with the embedded servers only where a test is about them."""

    def __init__(self, folder: Path, *plan: str, servers: bool = False, port: int | None = None) -> None:
        self.folder = folder
        self.port = port or find_free_port()
        self.process = subprocess.Popen(
            [PYTHON, "-m", "tests.embedded.standin_run", *plan],
            cwd=PROJECT,
            env=clean_environment(DATA_DIR=str(folder), PORT=str(self.port), **({} if servers else ELSEWHERE)),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            process_group=0,
        )
        self.lines: list[str] = []

    def until(self, text: str) -> str:
        """Read on until a line holds `text`."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line)
            if text in line:
                return line
        raise AssertionError(f"{text!r} never came: {''.join(self.lines)}")

    def ready(self) -> Run:
        self.until("To stop: Ctrl-C")
        return self

    def standins_up(self, *names: str) -> bool:
        return eventually(lambda: all((self.folder / f"{name} is up").exists() for name in names))

    def interrupt(self) -> None:
        """What a terminal does at Ctrl-C."""
        os.killpg(self.process.pid, signal.SIGINT)

    def end(self) -> int:
        rest, _ = self.process.communicate(timeout=30)
        self.lines.append(rest)
        return self.process.returncode

    @property
    def output(self) -> str:
        return "".join(self.lines)

    def exported(self) -> dict[str, str]:
        """What a shell that reads run.env would know."""
        shell = f'. "{self.folder}/run.env" && echo "$DATABASE_URL" && echo "$REDIS_URL" && echo "$SECRET_KEY"'
        values = subprocess.run(["sh", "-c", shell], capture_output=True, text=True, check=True).stdout.split("\n")
        return dict(zip(("database", "redis", "secret"), values, strict=False))


StartRun = Callable[..., Run]


@pytest.fixture
def start_run() -> Iterator[StartRun]:
    runs: list[Run] = []

    def start(folder: Path, *plan: str, **options: object) -> Run:
        runs.append(Run(folder, *plan, **options))  # type: ignore[arg-type]
        return runs[-1]

    yield start
    for run in runs:
        run.process.kill()
        run.process.communicate()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "폴더 with a space"


def test_a_run_starts_everything_says_how_to_reach_it_and_stops_in_order(start_run: StartRun, folder: Path) -> None:
    folder.mkdir()
    (folder / "demo_logins.json").write_text(
        '[{"username": "jisu", "password": "pw-jisu", "note_ko": "방장", "note_en": "Owner"}]'
    )
    run = start_run(folder, "job", "beat", "worker", "web", servers=True).ready()
    assert run.standins_up("beat", "worker", "web")
    children = descendants(run.process.pid)

    assert f"http://127.0.0.1:{run.port}/" in run.output
    assert "채팅 앱이 준비되었습니다 · The chat app is ready" in run.output
    for shown in ("jisu / pw-jisu", "방장", "Owner"):
        assert shown in run.output
    environment = (folder / "environment").read_text()
    assert "REQUIRES_WORKER=1" in environment
    exported = run.exported()
    for value in exported.values():
        assert value in environment
    assert stat.S_IMODE((folder / "secret_key").stat().st_mode) == 0o600
    with psycopg.connect(exported["database"]) as connection:
        assert connection.execute("SELECT current_database()").fetchone() == ("focusmate",)

    run.interrupt()
    assert run.end() == 0
    assert (folder / "order").read_text().split() == ["web", "worker", "beat"]
    assert not any(is_alive(pid) for pid in children)
    assert not (folder / "run.env").exists()

    again = start_run(folder, "job", "web").ready()
    assert again.exported()["secret"] == exported["secret"]
    assert again.exported()["database"] == ELSEWHERE["DATABASE_URL"]
    again.process.terminate()
    assert again.end() == 0


def test_what_dies_comes_back_where_it_was(start_run: StartRun, folder: Path) -> None:
    run = start_run(folder, "job", "web", servers=True).ready()
    exported = run.exported()
    with redis.Redis.from_url(exported["redis"]) as client:
        client.set("kept", "1")

    # The supervisor's own children: PostgreSQL, Valkey and the web stand-in.
    for pid in children_of(run.process.pid):
        os.kill(pid, signal.SIGKILL)
    reports = sorted(run.until("starts again in 0.5 s") for _ in range(3))
    assert [report.split(";")[0] for report in reports] == [
        f"{name}: SIGKILL" for name in ("PostgreSQL", "Valkey", "web")
    ]
    assert eventually(lambda: _answers(exported, run.port))
    with redis.Redis.from_url(exported["redis"]) as client:
        assert client.get("kept") == b"1"
    run.interrupt()
    assert run.end() == 0


def test_a_part_that_keeps_dying_is_started_ever_more_rarely(start_run: StartRun, folder: Path) -> None:
    run = start_run(folder, "job", "failing-job", "web").ready()
    delays = [run.until("failing-job: exit 1").split(" in ")[1].split(" s")[0] for _ in range(2)]
    assert float(delays[1]) >= 2 * float(delays[0]) >= 1
    run.interrupt()
    assert run.end() == 0


def test_nothing_outlives_a_killed_supervisor_and_its_folder_serves_again(start_run: StartRun, folder: Path) -> None:
    run = start_run(folder, "job", "beat", "deaf", "web", servers=True).ready()
    children = descendants(run.process.pid)
    os.killpg(run.process.pid, signal.SIGKILL)
    next_run = start_run(folder, "job", "web", servers=True, port=run.port).ready()
    assert all_end(children)
    next_run.interrupt()
    assert next_run.end() == 0


def test_a_part_that_does_not_stop_is_killed_in_time(start_run: StartRun, folder: Path) -> None:
    run = start_run(folder, "job", "deaf", "web").ready()
    assert run.standins_up("deaf")
    children = descendants(run.process.pid)
    asked = time.monotonic()
    run.process.terminate()
    assert run.end() == 0
    assert time.monotonic() - asked < 10
    assert not any(is_alive(pid) for pid in children)


def test_stopping_while_something_starts_is_a_clean_stop_too(start_run: StartRun, folder: Path) -> None:
    run = start_run(folder, "deaf", "web")
    assert run.standins_up("deaf")
    children = descendants(run.process.pid)
    run.interrupt()
    assert run.end() == 0
    assert not any(is_alive(pid) for pid in children)


def test_a_second_run_on_the_same_folder_is_refused(start_run: StartRun, folder: Path) -> None:
    run = start_run(folder, "job", "web").ready()
    second = start_run(folder, "job")
    _assert_refused(second, "다른 실행이 이 폴더를 쓰고 있습니다", "Another run is using this folder")
    assert _is_up(run.port)
    run.interrupt()
    assert run.end() == 0


def test_a_taken_port_is_refused(start_run: StartRun, folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        run = start_run(folder, "job", port=other.getsockname()[1])
        _assert_refused(run, "쓸 수 없습니다", "can't be used")


def test_a_folder_that_cannot_be_written_is_refused(start_run: StartRun, folder: Path) -> None:
    folder.write_text("a file")
    _assert_refused(start_run(folder, "job"), "쓸 수 없습니다", "Can't write to the data folder")


def test_a_job_that_fails_stops_the_run_and_shows_why(start_run: StartRun, folder: Path) -> None:
    run = start_run(folder, "failing-job", "web", servers=True)
    _assert_refused(run, "failing-job 시작에 실패했습니다", "the job has failed on purpose")
    assert not living_in(folder)


def _assert_refused(run: Run, korean: str, english: str) -> None:
    assert run.end() == 1
    assert korean in run.output
    assert english in run.output
    assert "Traceback" not in run.output


def _answers(exported: dict[str, str], port: int) -> bool:
    try:
        with psycopg.connect(exported["database"]) as connection:
            connection.execute("SELECT 1")
        with redis.Redis.from_url(exported["redis"]) as client:
            client.ping()
    except (psycopg.OperationalError, redis.RedisError):
        return False
    return _is_up(port)


def _is_up(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz") as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
