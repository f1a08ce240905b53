"""What beat asks for: each entry is safe to repeat and works in bounded batches."""

from __future__ import annotations

from typing import Any

from celery.signals import worker_ready

from webapp.core.extensions import celery
from webapp.services import maintenance, readiness, unread


@celery.task(name="workers.maintenance.prove_alive")
def prove_alive() -> None:
    """A worker ran this, so a worker runs."""
    readiness.worker_answered()


@celery.task(name="workers.maintenance.sweep_cursors")
def sweep_cursors() -> None:
    """Find rooms whose consumers lag."""
    unread.sweep()


@worker_ready.connect
def begin_at_start(**_: Any) -> None:
    """A worker that has just started doesn't wait for beat to be known, nor to take up what a killed one had taken."""
    prove_alive.delay()
    sweep_cursors.delay()


@celery.task(name="workers.maintenance.check_counters")
def check_counters() -> None:
    """Recount a sample of rooms and repair what drifted."""
    maintenance.check_counters()


@celery.task(name="workers.maintenance.expire_leftovers")
def expire_leftovers() -> None:
    """Remove sessions, codes, invitations and drafts that are long over."""
    maintenance.expire_leftovers()
