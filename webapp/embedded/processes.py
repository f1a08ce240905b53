"""Child processes that can't outlive this one, and how they are started and stopped."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from webapp.embedded.account import Identity, launched
from webapp.embedded.errors import StartError
from webapp.embedded.files import last_lines, open_log

_PAUSE = 0.02
_FIRST_PORT = 10_000


class Child:
    """A process in a group of its own."""

    def __init__(self, name: str, process: subprocess.Popen[bytes], stop_signal: signal.Signals) -> None:
        self.name = name
        self._process = process
        self._stop_signal = stop_signal
        self._swept = False

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    @property
    def ending(self) -> str:
        """How it ended, in words for a log line."""
        code = self._process.poll()
        if code is None:
            return "running"
        return f"exit {code}" if code >= 0 else signal.Signals(-code).name

    @property
    def succeeded(self) -> bool:
        return self._process.poll() == 0

    def ask_to_stop(self) -> None:
        """Send the stop signal once; does not wait."""
        if self.running:
            self._process.send_signal(self._stop_signal)

    def kill(self) -> None:
        """End whatever is left of the group, at once."""
        if self._swept:
            return
        self._swept = True
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait()

    def stop(self, grace: float = 10.0) -> None:
        """Ask, wait at most `grace` seconds, then kill the group."""
        self.ask_to_stop()
        wait_until(lambda: not self.running, grace)
        self.kill()


@dataclass(frozen=True)
class Server:
    """A running embedded server and the URL under which this machine reaches it."""

    child: Child
    port: int
    url: str

    @property
    def pid(self) -> int:
        return self.child.pid

    def stop(self, grace: float = 10.0) -> None:
        """Stop cleanly within `grace` seconds, else by force; the files stay."""
        self.child.stop(grace)


def start_child(
    name: str,
    command: Sequence[str | Path],
    *,
    log: Path | None = None,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    stop_signal: signal.Signals = signal.SIGTERM,
    death_signal: signal.Signals = signal.SIGTERM,
    identity: Identity | None = None,
    keeps: Sequence[int] = (),
) -> Child:
    """Start a child that gets `death_signal` when this process dies; its output goes to `log`, else to ours.

    Only the main thread may call this: the kernel ties the signal to the thread that forked. `keeps` are descriptors
    that the child inherits.
    """
    if threading.current_thread() is not threading.main_thread():
        raise RuntimeError("start children from the main thread: they would die with any other")
    output = open_log(log) if log is not None else None
    try:
        process = subprocess.Popen(
            launched(command, identity, death_signal),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=env,
            cwd=cwd,
            process_group=0,
            pass_fds=keeps,
        )
    finally:
        if output is not None:
            os.close(output)
    return Child(name, process, stop_signal)


def run_to_end(child: Child, log: Path, *, seconds: float) -> None:
    """Wait for a child that has one job; a failure or a timeout is a StartError that shows the end of its log."""
    try:
        wait_until(lambda: not child.running, seconds)
    finally:
        child.kill()
    if not child.succeeded:
        raise start_failure(child, log)


def start_server(
    start: Callable[[int], Child],
    is_ready: Callable[[Child, int], bool],
    *,
    port: int | None,
    log: Path,
    seconds: float,
) -> tuple[Child, int]:
    """Start on `port`, or on a port found free (again, should another process take it first), and wait until ready."""
    for _ in range(3):
        chosen = port or find_free_port()
        child = start(chosen)
        if _became_ready(child, lambda child: is_ready(child, chosen), seconds):  # noqa: B023 (called at once)
            return child, chosen
        if port is not None or is_port_free(chosen):
            break
    raise start_failure(child, log)


def _became_ready(child: Child, is_ready: Callable[[Child], bool], seconds: float) -> bool:
    ready = False
    try:
        ready = wait_until(lambda: not child.running or is_ready(child), seconds) and child.running
    finally:
        if not ready:
            child.stop()
    return ready


def start_failure(child: Child, log: Path) -> StartError:
    """The error for a child that ended, or was given up, before it was ready."""
    return StartError(
        f"{child.name} 시작에 실패했습니다 ({child.ending}). 기록: {log}",
        f"{child.name} failed to start ({child.ending}). Log: {log}\n{last_lines(log)}".rstrip(),
    )


def wait_until(condition: Callable[[], bool], seconds: float) -> bool:
    """Whether the condition came true within `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() >= deadline:
            return False
        time.sleep(_PAUSE)
    return True


def is_port_free(port: int, host: str = "127.0.0.1") -> bool:
    """Whether a server could listen there now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
        return True


def find_free_port() -> int:
    """A free port outside the range lent to outgoing connections, so that a restart finds it free again."""
    first_lent = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    for _ in range(200):
        port = _FIRST_PORT + secrets.randbelow(max(1, first_lent - _FIRST_PORT))
        if is_port_free(port):
            return port
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
