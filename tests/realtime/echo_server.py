"""The echo application in a gunicorn process of its own, as the product runs."""

from __future__ import annotations

import http.client
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from websockets.sync.client import ClientConnection, connect

from tests.realtime.raw_client import RawClient

ROOT = Path(__file__).parents[2]
GUNICORN = """from gevent import monkey; monkey.patch_all()
bind = "127.0.0.1:0"
worker_class = "gevent"
worker_connections = 2000
control_socket_disable = True
graceful_timeout = 1
"""
T = TypeVar("T")


class Server:
    """One gunicorn process with the echo application."""

    def __init__(self, folder: Path, *, hasty: bool) -> None:
        (folder / "gunicorn.conf.py").write_text(GUNICORN)
        self.log = folder / "gunicorn.log"
        command = [sys.executable, "-m", "gunicorn", "-c", str(folder / "gunicorn.conf.py"), "--error-logfile"]
        environment = {**os.environ, "HASTY": "1" if hasty else "", "PYTHONPATH": str(ROOT)}
        self.running = subprocess.Popen(
            [*command, str(self.log), "tests.realtime.echo_app:app"], cwd=ROOT, env=environment
        )
        self.port = eventually(self._port)
        eventually(lambda: self.ask("/open") is not None)

    def _port(self) -> int | None:
        assert self.running.poll() is None, self.log.read_text()
        found = re.search(r"Listening at: http://127\.0\.0\.1:(\d+)", self.log.read_text() if self.log.exists() else "")
        return int(found[1]) if found else None

    def ask(self, path: str) -> Any:
        """The JSON answer of a plain HTTP route."""
        asked = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            asked.request("GET", path)
            return json.loads(asked.getresponse().read())
        finally:
            asked.close()

    def raw(self, path: str = "/echo", *, window: int | None = None, first: bytes = b"") -> RawClient:
        """A client of bare bytes."""
        return RawClient(self.port, path, window=window, first=first)

    def connect(self, path: str = "/echo") -> ClientConnection:
        """A well-behaved client, which offers compression and answers pings."""
        return connect(f"ws://127.0.0.1:{self.port}{path}", max_size=None)

    def stop(self) -> None:
        """Stop it, and show that nothing went wrong inside."""
        self.running.terminate()
        self.running.wait(20)
        assert "Traceback" not in self.log.read_text(), self.log.read_text()


def eventually(look: Callable[[], T | None], seconds: float = 10) -> T:
    """The first true answer of `look`."""
    deadline = time.monotonic() + seconds
    while True:
        if seen := look():
            return seen
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.01)
