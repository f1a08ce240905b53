"""Keeps children alive, and stops them in order."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from webapp.embedded.errors import StartError
from webapp.embedded.processes import Child
from webapp.embedded.signals import StopSignals

# All of a stop, however slow the parts are: a second less than the twenty that are promised.
STOP_SECONDS = 19.0
# What a part still gets after a second request to stop.
HASTY_SECONDS = 1.0
_FIRST_DELAY = 0.5
_LONGEST_DELAY = 30.0
# A part that lived this long starts again without the delays of its earlier failures.
_STEADY_SECONDS = 60.0
_LONGEST_PAUSE = 5.0
_LINE_LENGTH = 200


@dataclass(frozen=True)
class Part:
    """How to start one child, and how many seconds it has to stop before it is killed."""

    name: str
    start: Callable[[], Child]
    grace: float


@dataclass
class _Kept:
    part: Part
    child: Child | None
    started: float
    failures: int = 0
    due: float = 0.0


class Supervisor:
    """Starts stages of parts, restarts what ends, and stops the last stage first."""

    def __init__(self, signals: StopSignals, say: Callable[[str], None]) -> None:
        self._signals = signals
        self._say = say
        self._stages: list[list[_Kept]] = []

    def add(self, *parts: Part) -> None:
        """Start one more stage; its parts will be stopped together."""
        stage: list[_Kept] = []
        self._stages.append(stage)
        for part in parts:
            stage.append(_Kept(part, part.start(), time.monotonic()))

    def watch(self, until: Callable[[], bool] | None = None, *, seconds: float = float("inf")) -> bool:
        """Restart what ends until a request to stop or the deadline (False), or until `until` holds (True)."""
        deadline = time.monotonic() + seconds
        while not self._signals.count and time.monotonic() < deadline:
            self._restart_ended()
            if until is None:
                self._signals.pause(self._seconds_to_next_start())
            elif until():
                return True
            else:
                self._signals.pause(min(0.2, self._seconds_to_next_start()))
        return False

    def stop(self) -> None:
        """Stop stage after stage, the last first, within STOP_SECONDS; one more request to stop hastens it."""
        deadline = time.monotonic() + STOP_SECONDS
        requests = self._signals.count
        while self._stages:
            self._stop_stage(self._stages.pop(), deadline, requests)

    def _stop_stage(self, stage: Sequence[_Kept], deadline: float, requests: int) -> None:
        children = [(kept.child, kept.part.grace) for kept in stage if kept.child is not None]
        asked = time.monotonic()
        hastened: float | None = None
        for child, _ in children:
            child.ask_to_stop()
        while children:
            now = time.monotonic()
            if hastened is None and self._signals.count > requests:
                hastened = now
            last = deadline if hastened is None else min(deadline, hastened + HASTY_SECONDS)
            for child, grace in children:
                if not child.running or now >= min(last, asked + grace):
                    child.kill()
            children = [(child, grace) for child, grace in children if child.running]
            if children:
                self._signals.pause(0.1)

    def _restart_ended(self) -> None:
        for kept in [kept for stage in self._stages for kept in stage]:
            if kept.child is None:
                if time.monotonic() >= kept.due:
                    self._start_again(kept)
            elif not kept.child.running:
                self._put_off(kept, kept.child.ending)
                kept.child.kill()  # what it may have left in its group
                kept.child = None

    def _start_again(self, kept: _Kept) -> None:
        try:
            with self._signals.interrupting():
                kept.started = time.monotonic()
                kept.child = kept.part.start()
        except (StartError, OSError) as error:
            self._put_off(kept, str(error).splitlines()[0] if str(error) else type(error).__name__)

    def _put_off(self, kept: _Kept, reason: str) -> None:
        now = time.monotonic()
        if now - kept.started >= _STEADY_SECONDS:
            kept.failures = 0
        delay = min(_LONGEST_DELAY, _FIRST_DELAY * 2.0 ** min(kept.failures, 10))
        kept.failures += 1
        kept.due = now + delay
        line = f"{kept.part.name}: {reason}; {delay:g}초 뒤 다시 시작 · starts again in {delay:g} s"
        self._say(line if len(line) <= _LINE_LENGTH else line[:_LINE_LENGTH] + "…")

    def _seconds_to_next_start(self) -> float:
        waiting = [kept.due for stage in self._stages for kept in stage if kept.child is None]
        return min([_LONGEST_PAUSE, *(due - time.monotonic() for due in waiting)])
