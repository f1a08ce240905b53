"""The Celery side of the application: settings, the task class, queues and beat's table."""

from __future__ import annotations

from typing import Any

from celery import Celery, Task
from flask import Flask
from redis.exceptions import RedisError
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from webapp.config import Config
from webapp.domain.schedule import SCHEDULE

# What a task meets while the database or Redis is away.
AWAY = (OperationalError, InterfaceError, PoolTimeout, RedisError)
VISIBILITY_SECONDS = 3_600
RESULT_SECONDS = 600


class AppTask(Task):  # type: ignore[misc]
    """A task that takes ids, re-reads, makes one service call, and is safe to repeat."""

    abstract = True
    acks_late = True
    reject_on_worker_lost = True
    ignore_result = True
    autoretry_for = AWAY
    max_retries = 5
    retry_backoff = True
    retry_backoff_max = 60
    retry_jitter = True

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        with self.app.flask_app.app_context():
            return self.run(*args, **kwargs)


def configure(celery: Celery, app: Flask, config: Config) -> None:
    """Bind Celery to an application: every task runs in its context, and with its broker."""
    celery.flask_app = app
    celery.conf.update(
        broker_url=config.redis_url,
        broker_connection_retry_on_startup=True,
        broker_transport_options={"visibility_timeout": VISIBILITY_SECONDS, "socket_connect_timeout": 2},
        worker_prefetch_multiplier=4,
        worker_hijack_root_logger=False,
        worker_send_task_events=False,
        task_default_queue="default",
        task_routes={"workers.unread.*": {"queue": "unread"}},
        task_time_limit=VISIBILITY_SECONDS - 600,
        result_expires=RESULT_SECONDS,
        timezone="UTC",
        enable_utc=True,
        beat_scheduler="workers.single_beat:SingleBeat",
        beat_max_loop_interval=5,
        beat_schedule={
            entry.name: {
                "task": entry.task,
                "schedule": entry.every,
                "options": {"queue": entry.queue, "expires": max(60, int(entry.every.total_seconds()))},
            }
            for entry in SCHEDULE
        },
    )
