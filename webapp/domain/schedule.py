"""What beat does when: data, so that the worker and the console read the same table."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from webapp.domain import limits


@dataclass(frozen=True, slots=True)
class Entry:
    """A task by name, the pause between two runs, and the queue it goes to. Runs missed are not made up for."""

    name: str
    task: str
    every: timedelta
    queue: str = "default"


SCHEDULE = (
    Entry("blind-reads", "workers.unread.publish_blind_reads", limits.BLIND_READS_TICK, queue="unread"),
    Entry("prove-alive", "workers.maintenance.prove_alive", timedelta(seconds=10)),
    Entry("sweep-cursors", "workers.maintenance.sweep_cursors", timedelta(seconds=15)),
    Entry("check-counters", "workers.maintenance.check_counters", timedelta(minutes=10)),
    Entry("expire-leftovers", "workers.maintenance.expire_leftovers", timedelta(hours=1)),
)
