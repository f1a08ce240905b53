"""Blind rooms where somebody has read since the last tick: a set in Redis."""

from __future__ import annotations

import logging
from typing import Any
from uuid import UUID

from redis.exceptions import RedisError

from webapp.core.extensions import redis

log = logging.getLogger(__name__)

KEY = "blind-reads"
TAKEN_AT_ONCE = 1_000


def add(room_id: UUID) -> None:
    """Remember a room for the next tick; forgotten when Redis is away, as the next read makes up for it."""
    try:
        redis.client.sadd(KEY, str(room_id))
    except (RedisError, OSError):
        log.warning("a blind room's reads wait for the next one")


def take() -> list[UUID]:
    """The rooms since the last tick, each once."""
    taken: Any = redis.client.spop(KEY, TAKEN_AT_ONCE)
    return [UUID(raw.decode()) for raw in taken or ()]
