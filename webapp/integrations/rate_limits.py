"""Rate limits (GCRA): one number per spender, the time at which the whole budget would be free again.

The number lives in Redis, where one script reads and moves it. While Redis is away each process counts for itself.
"""

from __future__ import annotations

import logging
import time
from datetime import UTC, datetime, timedelta

from redis.commands.core import Script
from redis.exceptions import RedisError

from webapp.core.extensions import redis

log = logging.getLogger(__name__)

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
MINUTE = 60_000_000
KEY = "rate:"
LOCAL_BOUND = 20_000
RETRY_REDIS_SECONDS = 5.0

# KEYS[1] the spender; ARGV now, cost of one call, width of the budget. Returns the wait, 0 when allowed. All in whole
# microseconds, which a double holds exactly.
SCRIPT = """
local now, cost, width = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local full_at = math.max(tonumber(redis.call('GET', KEYS[1]) or now), now) + cost
local wait = full_at - width - now
if wait > 0 then return wait end
redis.call('SET', KEYS[1], string.format('%.0f', full_at), 'PX', math.ceil((full_at - now) / 1000))
return 0
"""


class RateLimits:
    """The budgets of all spenders, shared by all processes as long as Redis answers."""

    def __init__(self) -> None:
        self._local: dict[str, int] = {}
        self._redis_after = 0.0
        self._script: Script | None = None

    def take(self, spender: str, per_minute: float, now: datetime) -> int:
        """Spend one call of a budget that refills evenly over a minute; 0, or how many ms there are to wait."""
        cost = round(MINUTE / per_minute)
        # A budget below one call a minute still lets that one through.
        wait = self._wait(spender, (now - EPOCH) // MICROSECOND, cost, max(MINUTE, cost))
        return -(-wait // 1000)

    def _wait(self, spender: str, now: int, cost: int, width: int) -> int:
        if not self._asks_redis():
            return self._take_here(spender, now, cost, width)
        try:
            wait = self._take_in_redis(spender, now, cost, width)
        except (RedisError, OSError) as error:
            log.warning("rate limits count per process", extra={"error": type(error).__name__})
            self._redis_after = time.monotonic() + RETRY_REDIS_SECONDS
            return self._take_here(spender, now, cost, width)
        self._redis_after = 0.0
        return wait

    def _asks_redis(self) -> bool:
        if self._redis_after == 0.0:
            return True
        # After a failure one call at a time tries again, so that a stalled Redis doesn't delay the others.
        is_due = time.monotonic() >= self._redis_after
        if is_due:
            self._redis_after = time.monotonic() + RETRY_REDIS_SECONDS
        return is_due

    def _take_in_redis(self, spender: str, now: int, cost: int, width: int) -> int:
        if self._script is None:
            self._script = redis.client.register_script(SCRIPT)
        return int(self._script(keys=[KEY + spender], args=[now, cost, width], client=redis.client))

    def _take_here(self, spender: str, now: int, cost: int, width: int) -> int:
        full_at = max(self._local.pop(spender, now), now) + cost
        wait = full_at - width - now
        # Put back at the end: the first of the dict is whoever has been quiet for longest.
        self._local[spender] = full_at - cost if wait > 0 else full_at
        if len(self._local) > LOCAL_BOUND:
            del self._local[next(iter(self._local))]
        return max(0, wait)


rate_limits = RateLimits()
