"""Drain: when gunicorn tells a worker to end, its sockets are closed with 1012, and clients come back elsewhere."""

from __future__ import annotations

from typing import Protocol

import gevent

from webapp.realtime import engine, protocol

LOOK_SECONDS = 0.2


class Worker(Protocol):
    """The part of gunicorn's worker that tells whether it should go on."""

    alive: bool


def watch(worker: Worker) -> None:
    """Start the greenlet that waits for the worker's end."""
    gevent.spawn(_drain_at_end, worker)


def _drain_at_end(worker: Worker) -> None:
    while worker.alive:
        gevent.sleep(LOOK_SECONDS)
    # Again and again: a handshake may have ended just after the last look.
    while True:
        engine.close_all(protocol.DRAIN, "restarting")
        gevent.sleep(LOOK_SECONDS)
