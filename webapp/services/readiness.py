"""Whether this process can serve: what it depends on, asked with time limits."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from alembic.config import Config as AlembicConfig
from alembic.script import ScriptDirectory
from flask import current_app
from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError

from webapp.core.extensions import redis
from webapp.repositories import deployment
from webapp.services.unit_of_work import reading

WORKER_KEY = "worker:alive"
WORKER_SECONDS = 60
_MIGRATIONS = Path(__file__).resolve().parents[2] / "migrations"


def checks() -> dict[str, bool]:
    """Each dependency by name, and whether it is in order."""
    found = {"database": _database_at_head(), "redis": _redis_answers()}
    if current_app.config["FOCUSMATE"].requires_worker:
        found["worker"] = _worker_answered()
    return found


def worker_answered() -> None:
    """Remember that a worker ran a task just now."""
    redis.client.set(WORKER_KEY, b"1", ex=WORKER_SECONDS)


@cache
def head_revision() -> str | None:
    """The newest migration in the tree."""
    config = AlembicConfig()
    config.set_main_option("script_location", str(_MIGRATIONS))
    return ScriptDirectory.from_config(config).get_current_head()


def _database_at_head() -> bool:
    try:
        with reading():
            return deployment.revision() == head_revision()
    except SQLAlchemyError:
        return False


def _redis_answers() -> bool:
    try:
        return bool(redis.client.ping())
    except (RedisError, OSError):
        return False


def _worker_answered() -> bool:
    try:
        return bool(redis.client.exists(WORKER_KEY))
    except (RedisError, OSError):
        return False
