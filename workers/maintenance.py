"""What beat asks for: each entry is safe to repeat and works in bounded batches."""

from __future__ import annotations

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


@celery.task(name="workers.maintenance.check_counters")
def check_counters() -> None:
    """Recount a sample of rooms and repair what drifted."""
    maintenance.check_counters()


@celery.task(name="workers.maintenance.expire_leftovers")
def expire_leftovers() -> None:
    """Remove sessions, codes, invitations and drafts that are long over."""
    maintenance.expire_leftovers()
