"""Signals as something to wait on: a request to stop, or the end of a child."""

from __future__ import annotations

import os
import select
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_STOP = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StopSignals:
    """Counts requests to stop; the first one interrupts only what runs inside `interrupting()`."""

    def __init__(self) -> None:
        self.count = 0
        self._interrupts = False
        self._woken, wakes = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(wakes, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)  # without a handler it would not wake a pause
        for number in _STOP:
            # A run under nohup must survive the end of its terminal.
            if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
                signal.signal(number, self._on_stop)

    @contextmanager
    def interrupting(self) -> Iterator[None]:
        """Within, the first request to stop raises KeyboardInterrupt, also one that came before."""
        self._interrupts = True
        try:
            if self.count:
                raise KeyboardInterrupt
            yield
        finally:
            self._interrupts = False

    def pause(self, seconds: float) -> None:
        """Sleep until a signal comes, at most `seconds`."""
        if select.select([self._woken], [], [], max(0.0, seconds))[0]:
            os.read(self._woken, 4096)

    def _on_stop(self, _number: int, _frame: FrameType | None) -> None:
        self.count += 1
        if self._interrupts:
            self._interrupts = False
            raise KeyboardInterrupt
