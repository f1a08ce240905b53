"""Time, UTC and injected: the only place that asks the operating system what time it is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Anything that knows the present moment."""

    def now(self) -> datetime: ...


class SystemClock:
    """The machine's clock, in UTC."""

    def now(self) -> datetime:
        return datetime.now(UTC)


class ManualClock:
    """A clock that stands still until it is moved, for tests and simulations."""

    def __init__(self, start: datetime) -> None:
        self._now = start

    def now(self) -> datetime:
        return self._now

    def advance(self, step: timedelta) -> None:
        self._now += step


_clock: Clock = SystemClock()


def now() -> datetime:
    """The present moment, from the clock that was injected."""
    return _clock.now()


def inject(clock: Clock) -> Clock:
    """Replace the process's clock and return the former one."""
    global _clock
    former, _clock = _clock, clock
    return former
