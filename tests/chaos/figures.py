"""What a run counts while it goes on."""

from __future__ import annotations

import itertools
import threading
import time
from collections import Counter


class Figures:
    """Counters and moments that many threads add to."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.counts: Counter[str] = Counter()
        self.acknowledged_at: list[float] = []
        self.slowest_seconds = 0.0
        self.surprises: Counter[str] = Counter()

    def add(self, name: str, amount: float = 1) -> None:
        with self._lock:
            self.counts[name] += amount  # type: ignore[assignment]

    def acknowledged(self, began: float) -> None:
        """A send that began then was answered now."""
        now = time.monotonic()
        with self._lock:
            self.counts["sends acknowledged"] += 1
            self.acknowledged_at.append(now)
            self.slowest_seconds = max(self.slowest_seconds, now - began)

    def surprise(self, what: str) -> None:
        """Something that no fault excuses."""
        with self._lock:
            self.surprises[what] += 1

    def longest_silence(self, since: float, until: float) -> tuple[float, float]:
        """The longest time in which nobody's send was acknowledged: from when, until when."""
        moments = [since, *sorted(at for at in self.acknowledged_at if since <= at <= until), until]
        return max(itertools.pairwise(moments), key=lambda pair: pair[1] - pair[0])
