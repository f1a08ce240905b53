"""`make run` as a person uses it: start, talk, Ctrl-C, start again, read, terminate."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.smoke.two_clients import check_history, converse

ROOT = Path(__file__).parents[2]
START_SECONDS = 180.0
STOP_SECONDS = 25.0
PR_SET_CHILD_SUBREAPER = 36


def main() -> None:
    """Say what was seen; an assertion that fails ends with the logs of all parts."""
    # Whatever outlives `make` becomes our child, however it was detached: so nothing left behind goes unseen.
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    with tempfile.TemporaryDirectory(prefix="focusmate smoke ") as folder:
        run = Run(Path(folder))
        with run.until(lambda make: os.killpg(make.pid, signal.SIGINT)):
            conversation = converse(run.base)
            print("two clients talked: delivered, counted and kept")
        with run.until(lambda make: make.terminate()):
            check_history(run.base, conversation)
            print("the history is there after a restart")


class Run:
    """`make run` on a free port, with its data in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = probe.getsockname()[1]
        self.base = f"http://127.0.0.1:{port}"
        self._folder = folder
        self._output = folder / "output"
        self._env = os.environ | {"PORT": str(port), "DATA_DIR": str(folder / "var")}
        for name in ("DATABASE_URL", "REDIS_URL"):
            self._env.pop(name, None)

    @contextmanager
    def until(self, stop: Callable[[subprocess.Popen[bytes]], None]) -> Iterator[None]:
        """Started and ready inside; afterwards stopped, in time, with a clean status and nothing left running."""
        make = self._start()
        try:
            self._wait_until_ready(make)
            yield
            asked = time.monotonic()
            stop(make)
            status = make.wait(STOP_SECONDS)
            print(f"stopped after {time.monotonic() - asked:.1f} s")
            # make repeats the signal to itself once its child has ended, and names a status of the child that is not 0.
            assert status in (0, -signal.SIGINT, -signal.SIGTERM), f"make ended with {status}"
            assert b"***" not in self._output.read_bytes(), "make reported an error"
            assert not (left := wait_for_no_children()), f"still running: {left}"
        except BaseException:
            self._print_logs()
            raise
        finally:
            kill_children()

    def _start(self) -> subprocess.Popen[bytes]:
        with self._output.open("wb") as output:
            return subprocess.Popen(
                ["make", "run"],
                cwd=ROOT,
                env=self._env,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def _wait_until_ready(self, make: subprocess.Popen[bytes]) -> None:
        started = time.monotonic()
        while time.monotonic() < started + START_SECONDS:
            assert make.poll() is None, f"make run ended with {make.returncode}"
            with suppress(urllib.error.URLError, TimeoutError, ConnectionError):
                urllib.request.urlopen(f"{self.base}/readyz", timeout=5).close()
                print(f"ready after {time.monotonic() - started:.1f} s")
                return
            time.sleep(0.2)
        raise AssertionError(f"not ready within {START_SECONDS:g} s")

    def _print_logs(self) -> None:
        for log in (self._output, *sorted(self._folder.glob("var/log/*.log"))):
            lines = log.read_text(errors="replace").splitlines()[-40:]
            print(f"--- the end of {log.name}", *lines, sep="\n")


def wait_for_no_children() -> list[str]:
    """Collect what has ended; what still runs after a moment, by its command line."""
    deadline = time.monotonic() + 2.0
    while left := children():
        if time.monotonic() > deadline:
            return [Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode() for pid in left]
        time.sleep(0.05)
    return []


def kill_children() -> None:
    """End what is left; the children of what was killed become ours, and are ended too."""
    while left := children():
        for pid in left:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.05)


def children() -> list[int]:
    """Running children of this process; those that have ended are reaped."""
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    return [pid for pid in map(int, filter(str.isdigit, os.listdir("/proc"))) if parent_of(pid) == os.getpid()]


def parent_of(pid: int) -> int | None:
    """The parent's id, or None when the process has gone."""
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except (FileNotFoundError, ProcessLookupError):
        return None


if __name__ == "__main__":
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    main()
