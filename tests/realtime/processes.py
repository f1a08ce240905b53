"""Real processes: gunicorn twice, a Celery worker, a Valkey that may be stopped, and a console to call services in."""

from __future__ import annotations

import http.client
import json
import multiprocessing
import os
import re
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple, ParamSpec, TypeVar
from uuid import UUID

from flask import Flask

from tests.conftest import TEST_SECRET
from tests.factories import TestUser, say
from webapp.app import create_app
from webapp.config import from_env
from webapp.core.extensions import redis
from webapp.embedded.processes import Child, Server, find_free_port, start_child, wait_until
from webapp.embedded.valkey import start_valkey
from webapp.events.publisher import publisher
from webapp.integrations.tasks import dirty_rooms

ROOT = Path(__file__).parents[2]
API = "/api/v1"
P = ParamSpec("P")
T = TypeVar("T")


class Answer(NamedTuple):
    """Status and JSON of an HTTP answer."""

    status: int
    body: Any


def eventually(look: Callable[[], T | None], seconds: float = 15, why: str = "it never came true") -> T:
    """The first true answer of `look`."""
    deadline = time.monotonic() + seconds
    while True:
        if seen := look():
            return seen
        assert time.monotonic() < deadline, why
        time.sleep(0.01)


class Web:
    """One gunicorn with one worker process, on a port that it keeps over restarts."""

    def __init__(self, environment: Mapping[str, str], log: Path) -> None:
        self.port = find_free_port()
        self.log = log
        self._environment = {**environment, "PORT": str(self.port), "WEB_CONCURRENCY": "1"}
        self.child = self._start()
        self._is_ending = False

    def _start(self) -> Child:
        command = [sys.executable, "-m", "gunicorn", "-c", "gunicorn.conf.py", "wsgi:app"]
        return start_child("web", command, log=self.log, env=self._environment, cwd=ROOT)

    def wait(self, path: str = "/healthz") -> Web:
        """Wait until it answers 200."""
        assert wait_until(lambda: self._answers(path), 40), self.log.read_text()[-3000:]
        return self

    def _answers(self, path: str) -> bool:
        try:
            return self.ask("GET", path).status == 200
        except OSError:
            return False

    def end(self, how: signal.Signals) -> None:
        """Tell it to stop, or kill it with all that it started; does not wait."""
        self._is_ending = True
        if how is signal.SIGKILL:
            self.child.kill()
        else:
            self.child.ask_to_stop()

    def restart(self) -> Web:
        """Start anew, unless it runs and isn't about to end."""
        if self._is_ending or not self.child.running:
            self.child.kill()
            self.child, self._is_ending = self._start(), False
        return self.wait()

    def ask(self, method: str, path: str, token: str = "", body: object = None) -> Answer:
        """One HTTP request on a connection of its own."""
        asked = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
        try:
            asked.request(method, path, None if body is None else json.dumps(body, default=str), headers)
            answer = asked.getresponse()
            return Answer(answer.status, json.loads(answer.read()))
        finally:
            asked.close()

    def call(self, user: TestUser, method: str, path: str, body: object = None) -> Any:
        """An API call that must succeed; its JSON."""
        status, answer = self.ask(method, API + path, user.token, body)
        assert status < 300, answer
        return answer

    def send(self, user: TestUser, room_id: object, content: str, **fields: object) -> Any:
        """A message by HTTP."""
        return self.call(user, "POST", f"/chats/rooms/{room_id}/messages", {"content": content, **fields})["message"]


class House:
    """Everything that serves one database: two web processes, Valkey, and on demand a worker."""

    def __init__(self, database_url: str, folder: Path, **settings: str) -> None:
        self.folder = folder
        self._valkey_folder = folder / "valkey"
        self.valkey: Server = start_valkey(self._valkey_folder)
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "PYTHONPATH": str(ROOT),
            "DATABASE_URL": database_url,
            "REDIS_URL": self.valkey.url,
            "SECRET_KEY": TEST_SECRET,
            "RATE_LIMIT_FACTOR": "0",
            "LOG_LEVEL": "INFO",
            **settings,
        }
        self.console = ProcessPoolExecutor(
            1, multiprocessing.get_context("spawn"), initializer=_open_console, initargs=(self.environment,)
        )
        self.webs = [Web(self.environment, folder / f"web{number}.log") for number in (1, 2)]
        self.workers: list[Child] = []
        for web in self.webs:
            web.wait()

    def do(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call a service or a factory in the console's process, and wait until its events have left."""
        return self.console.submit(_in_console, call, args, kwargs).result(60)

    def heal(self) -> None:
        """Everything runs again, whatever a test has ended."""
        self.resume_valkey()
        if not self.valkey.child.running:
            self.start_valkey()
        for web in self.webs:
            web.restart()

    def errors(self) -> list[str]:
        """What the processes have logged as errors, but for Celery's own words about a lost broker."""
        lines = "".join(path.read_text() for path in self.folder.glob("*.log")).splitlines()
        errors = [line for line in lines if '"level":"ERROR"' in line or line.startswith("Traceback")]
        return [line for line in errors if not re.search(r'"logger":"celery\.(worker|bootsteps)', line)]

    def stop(self) -> None:
        """End all processes."""
        self.resume_valkey()
        self.console.shutdown(cancel_futures=True)
        for child in [*self.workers, *(web.child for web in self.webs)]:
            child.kill()
        self.valkey.child.kill()

    # -- Valkey

    def freeze_valkey(self) -> None:
        """It keeps its connections and answers nobody."""
        os.kill(self.valkey.pid, signal.SIGSTOP)

    def resume_valkey(self) -> None:
        """It goes on where it was frozen."""
        if self.valkey.child.running:
            os.kill(self.valkey.pid, signal.SIGCONT)

    def start_valkey(self) -> None:
        """Start it again under the same address."""
        self.valkey = start_valkey(self._valkey_folder, port=self.valkey.port)

    # -- Celery

    def start_worker(self) -> Child:
        """A worker for the queues that need no big libraries."""
        command = [sys.executable, "-m", "celery", "-A", "celery_worker", "worker", "--pool", "threads"]
        command += ["--concurrency", "2", "-Q", "default,unread", "--without-gossip", "--without-mingle"]
        log = self.folder / f"worker{len(self.workers)}.log"
        worker = start_child("worker", command, log=log, env=self.environment, cwd=ROOT)
        self.workers.append(worker)
        return worker


_app: Flask


def _open_console(environment: Mapping[str, str]) -> None:
    global _app  # noqa: PLW0603 - the console's one application
    _app = create_app(from_env(environment))


def _in_console(call: Callable[..., T], args: tuple[object, ...], kwargs: Mapping[str, object]) -> T:
    with _app.app_context():
        returned = call(*args, **kwargs)
        publisher.flush()
        dirty_rooms.flush()
    return returned


def flush_redis() -> None:
    """Forget everything in Redis; for the console."""
    redis.client.flushall()


def say_many(user: TestUser, room_id: UUID, contents: Sequence[str]) -> int:
    """Say these one after the other; the last number; for the console."""
    return [say(user, room_id, content) for content in contents][-1].seq
