"""Closed loops of callers that read: each sends its next request when it has the answer."""

from __future__ import annotations

from collections.abc import Sequence
from time import perf_counter

from tests.bench.clients import HttpCaller, Loop
from tests.bench.stack import CpuMeter, Running
from tests.bench.work import BenchError, Figures, Scale, times

DRAIN_SECONDS = 30.0


class Reader:
    """One caller with one request, repeated as long as `until` lies ahead."""

    def __init__(self, loop: Loop, port: int, whole: bytes) -> None:
        self._caller = HttpCaller(loop, port, self._answered)
        self._whole = whole
        self._sent = 0.0
        self.spans: list[float] = []
        self.body = b""
        self.until = 0.0
        self.is_waiting = False

    def go(self) -> None:
        self.is_waiting = True
        self._sent = perf_counter()
        self._caller.send(self._whole)

    def close(self) -> None:
        self._caller.close()

    def _answered(self, body: bytes) -> None:
        now = perf_counter()
        self.spans.append(now - self._sent)
        self.body, self.is_waiting = body, False
        if now < self.until:
            self.go()


def reading(running: Running, requests: Sequence[bytes], marker: bytes, expected: int, scale: Scale) -> Figures:
    """Requests a second, how long answers take and what one costs; an answer holds `marker` so many times."""
    loop = Loop()
    readers = [Reader(loop, running.port, whole) for whole in requests]
    try:
        _run(loop, readers, scale.warm_up)
        meter = CpuMeter(running)
        elapsed = _run(loop, readers, scale.seconds)
        if any(reader.body.count(marker) != expected for reader in readers):
            raise BenchError(f"not {expected} in an answer: {readers[0].body[:300]!r}")
        spans = [span for reader in readers for span in reader.spans]
        return {"requests/s": len(spans) / elapsed, **times("answer", spans), **meter.per(len(spans), "request")}
    finally:
        for reader in readers:
            reader.close()


def _run(loop: Loop, readers: Sequence[Reader], seconds: float) -> float:
    began = perf_counter()
    for reader in readers:
        reader.spans.clear()
        reader.until = began + seconds
        reader.go()
    loop.run(seconds)
    loop.run_until(lambda: not any(r.is_waiting for r in readers), DRAIN_SECONDS, "the answer of every caller")
    return perf_counter() - began
