"""One beat at a time: a lock in Redis that its holder renews; others stand by."""

from __future__ import annotations

import logging
from uuid import uuid4

from celery.beat import Scheduler
from redis.exceptions import RedisError

from webapp.core.extensions import redis

log = logging.getLogger(__name__)

LOCK = "beat:lock"
LOCK_SECONDS = 30
STANDBY_SECONDS = 5.0

_RENEW = """
local holder = redis.call('GET', KEYS[1])
if holder == false or holder == ARGV[1] then
  redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
  return 1
end
return 0
"""
_RELEASE = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0"


class SingleBeat(Scheduler):  # type: ignore[misc]
    """Celery's in-memory scheduler, which only ticks while it holds the lock."""

    def setup_schedule(self) -> None:
        self._holder = uuid4().hex
        self.install_default_entries(self.app.conf.beat_schedule)
        self.update_from_dict(self.app.conf.beat_schedule)

    def tick(self, *args: object, **kwargs: object) -> float:
        """Send what is due; without the lock nothing is, and the wait is short."""
        if not self._holds_lock():
            return STANDBY_SECONDS
        return float(super().tick(*args, **kwargs))

    def close(self) -> None:
        """Let the next beat begin at once."""
        try:
            redis.client.eval(_RELEASE, 1, LOCK, self._holder)
        except (RedisError, OSError):
            log.warning("the beat lock expires by itself")
        super().close()

    def _holds_lock(self) -> bool:
        try:
            return bool(redis.client.eval(_RENEW, 1, LOCK, self._holder, LOCK_SECONDS))
        except (RedisError, OSError):
            return False
