"""Rate limits (GCRA): one number per spender, the time at which the whole budget would be free again.

The number lives in Redis, where one script reads and moves it. While Redis is away each process counts for itself.
"""

from __future__ import annotations

import logging
import time
from datetime import datetime

from redis.commands.core import Script
from redis.exceptions import RedisError

from webapp.core.extensions import redis

log = logging.getLogger(__name__)

MINUTE_MS = 60_000.0
KEY = "rate:"
LOCAL_BOUND = 20_000
RETRY_REDIS_SECONDS = 5.0

# KEYS[1] the spender; ARGV now, cost of one call, width of the budget, all in ms. Returns the wait, 0 when allowed.
SCRIPT = """
local now, cost, width = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local full_at = math.max(tonumber(redis.call('GET', KEYS[1]) or now), now) + cost
local wait = full_at - width - now
if wait > 0 then return math.ceil(wait) end
redis.call('SET', KEYS[1], string.format('%.3f', full_at), 'PX', math.ceil(full_at - now))
return 0
"""


class RateLimits:
    """The budgets of all spenders, shared by all processes as long as Redis answers."""

    def __init__(self) -> None:
        self._local: dict[str, float] = {}
        self._redis_after = 0.0
        self._script: Script | None = None

    def take(self, spender: str, per_minute: float, now: datetime) -> int:
        """Spend one call of a budget that refills evenly over a minute; 0, or how many ms there are to wait."""
        now_ms, cost = now.timestamp() * 1000, MINUTE_MS / per_minute
        # A budget below one call a minute still lets that one through.
        width = max(MINUTE_MS, cost)
        if not self._asks_redis():
            return self._take_here(spender, now_ms, cost, width)
        try:
            wait = self._take_in_redis(spender, now_ms, cost, width)
        except (RedisError, OSError) as error:
            log.warning("rate limits count per process", extra={"error": type(error).__name__})
            self._redis_after = time.monotonic() + RETRY_REDIS_SECONDS
            return self._take_here(spender, now_ms, cost, width)
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

    def _take_in_redis(self, spender: str, now_ms: float, cost: float, width: float) -> int:
        if self._script is None:
            self._script = redis.client.register_script(SCRIPT)
        arguments = [f"{number:.3f}" for number in (now_ms, cost, width)]
        return int(self._script(keys=[KEY + spender], args=arguments, client=redis.client))

    def _take_here(self, spender: str, now_ms: float, cost: float, width: float) -> int:
        full_at = max(self._local.pop(spender, now_ms), now_ms) + cost
        wait = full_at - width - now_ms
        # Put back at the end: the first of the dict is whoever has been quiet for longest.
        self._local[spender] = full_at - cost if wait > 0 else full_at
        if len(self._local) > LOCAL_BOUND:
            del self._local[next(iter(self._local))]
        return max(0, -int(-wait // 1))


rate_limits = RateLimits()
