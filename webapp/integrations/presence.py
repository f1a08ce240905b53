"""Who is connected: per person a sorted set of live connections in Redis, each with its expiry."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence

from redis.exceptions import RedisError

from webapp.core import clock
from webapp.core.extensions import redis

log = logging.getLogger(__name__)

ALIVE_SECONDS = 75
_AWAY = (RedisError, OSError)


def add(user_id: str, connection_id: str) -> list[str]:
    """Count a connection in; all live connections of the person, oldest first (their ids are time-ordered)."""
    key, now = _key(user_id), clock.now().timestamp()
    try:
        with redis.client.pipeline() as pipe:
            pipe.zremrangebyscore(key, "-inf", now)
            pipe.zadd(key, {connection_id: now + ALIVE_SECONDS})
            pipe.expire(key, ALIVE_SECONDS)
            pipe.zrange(key, 0, -1)
            return sorted(raw.decode() for raw in pipe.execute()[-1])
    except _AWAY:
        return [connection_id]


def remove(user_id: str, connection_id: str) -> int | None:
    """Count a connection out; how many are left, None when Redis is away."""
    key, now = _key(user_id), clock.now().timestamp()
    try:
        with redis.client.pipeline() as pipe:
            pipe.zrem(key, connection_id)
            pipe.zremrangebyscore(key, "-inf", now)
            pipe.zcard(key)
            return int(pipe.execute()[-1])
    except _AWAY:
        return None


def keep(connections: Iterable[tuple[str, str]]) -> None:
    """Renew the connections of this process: pairs of user and connection id."""
    until = clock.now().timestamp() + ALIVE_SECONDS
    try:
        with redis.client.pipeline(transaction=False) as pipe:
            for user_id, connection_id in connections:
                pipe.zadd(_key(user_id), {connection_id: until})
                pipe.expire(_key(user_id), ALIVE_SECONDS)
            pipe.execute()
    except _AWAY:
        log.warning("presence was not renewed")


def online(user_ids: Sequence[str]) -> frozenset[str]:
    """Those of these people with a live connection; nobody while Redis is away."""
    now = clock.now().timestamp()
    try:
        with redis.client.pipeline(transaction=False) as pipe:
            for user_id in user_ids:
                pipe.zcount(_key(user_id), now, "+inf")
            counts = pipe.execute() if user_ids else []
    except _AWAY:
        return frozenset()
    return frozenset(user_id for user_id, count in zip(user_ids, counts, strict=True) if count)


def _key(user_id: str) -> str:
    return f"presence:{user_id}"
