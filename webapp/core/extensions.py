"""The process-wide instances that create_app() binds to a configuration."""

from __future__ import annotations

from celery import Celery
from flask import Flask
from flask_jwt_extended import JWTManager
from flask_migrate import Migrate
from flask_sock import Sock
from flask_sqlalchemy import SQLAlchemy
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

REDIS_TIMEOUT_SECONDS = 2.0


class RedisExtension:
    """One pooled client a process; every call is bounded in time and none is retried behind the caller's back."""

    def __init__(self) -> None:
        self.url = ""
        self._client: Redis | None = None

    def init_app(self, app: Flask) -> None:
        self.url = app.config["REDIS_URL"]
        self._client = self.connection(REDIS_TIMEOUT_SECONDS)

    def connection(self, read_timeout: float | None) -> Redis:
        """A client of its own, for callers that hold a connection (the subscriber)."""
        return Redis.from_url(
            self.url,
            protocol=2,
            socket_connect_timeout=REDIS_TIMEOUT_SECONDS,
            socket_timeout=read_timeout,
            retry=Retry(NoBackoff(), 0),
        )

    @property
    def client(self) -> Redis:
        if self._client is None:
            raise RuntimeError("Redis is bound by create_app()")
        return self._client


# The engine of the hot reads: the same database, in autocommit and with nothing to reset.
HOT = "hot"

db = SQLAlchemy()
migrate = Migrate()
jwt = JWTManager()
sock = Sock()
redis = RedisExtension()
# By name: the class lives with the workers, and tasks take it when they are made.
celery = Celery("focusmate", task_cls="workers.celery_app:AppTask")
