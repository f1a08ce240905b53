"""What `make run` runs, as data."""

from __future__ import annotations

import signal
from dataclasses import dataclass

from webapp.config import Config


@dataclass(frozen=True)
class Command:
    """A Python module with its arguments.

    `grace` is the time in seconds that it has to stop; `death_signal` is what it gets when the supervisor is killed.
    """

    name: str
    arguments: tuple[str, ...]
    grace: float = 2.0
    death_signal: signal.Signals = signal.SIGKILL


@dataclass(frozen=True)
class Plan:
    """Jobs that must succeed one after the other, then stages to keep alive; they stop in the reverse order."""

    jobs: tuple[Command, ...]
    stages: tuple[tuple[Command, ...], ...]


_CELERY = ("celery", "-A", "celery_worker")
_FLASK = ("flask", "--app", "wsgi")

MIGRATIONS = Command("migrations", (*_FLASK, "db", "upgrade"))
DEMO_SEED = Command("demo-seed", (*_FLASK, "demo", "seed"))
# Even when the supervisor was killed, beat gives back its lock and the web processes drain their sockets; a worker may
# be killed, because its tasks are delivered again.
BEAT = Command("beat", (*_CELERY, "beat"), death_signal=signal.SIGTERM)
WEB = Command(
    "web",
    ("gunicorn", "-c", "gunicorn.conf.py", "--graceful-timeout", "6", "wsgi:app"),
    grace=7.0,
    death_signal=signal.SIGTERM,
)
WORKERS = (
    Command(
        "worker",
        (
            *(*_CELERY, "worker", "--pool", "threads", "--concurrency", "4", "-Q", "default,unread", "-n", "light@%h"),
            # Workers need not know of each other, and their talk doesn't outlive a Redis that dies.
            *("--without-gossip", "--without-mingle"),
        ),
        grace=4.0,
    ),
)


def application_plan(config: Config) -> Plan:
    """The whole application; known demo passwords never enter a production database."""
    jobs = (MIGRATIONS,) if config.is_production else (MIGRATIONS, DEMO_SEED)
    return Plan(jobs, ((BEAT,), WORKERS, (WEB,)))
