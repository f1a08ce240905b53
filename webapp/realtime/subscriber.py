"""One connection to Redis per process: who follows a channel is counted, and one greenlet does all subscribing.

The reader hands messages over and never does the fan-out itself: a stalled reader is cut by Redis.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from typing import Any

import gevent
from gevent.event import Event
from redis.exceptions import RedisError

from webapp.core.extensions import redis

log = logging.getLogger(__name__)

# Followed always, so that a process without sockets knows whether Redis answers.
EVERY_PROCESS = "processes"
LEAVE_AFTER_SECONDS = 30.0
CHANNELS_PER_COMMAND = 500
READ_TIMEOUT_SECONDS = 15.0
RECONNECT_SECONDS = (0.05, 1.0)


class Subscriber:
    """Channels by reference count, kept over reconnects. `is_healthy` while Redis answers."""

    def __init__(self, deliver: Callable[[str, bytes], None], health_changed: Callable[[], None]) -> None:
        self._deliver, self._health_changed = deliver, health_changed
        self._wanted: dict[str, int] = {}
        self._left_at: dict[str, float] = {}
        self._asked: set[str] = set()
        self._awaited: set[str] = set()
        self._acknowledged: dict[str, Event] = {}
        self._changed = Event()
        self._connection: Any = None  # a connection of redis-py, which has no types
        self.is_healthy = False
        self._is_down = False

    def start(self) -> None:
        self.follow([EVERY_PROCESS])
        gevent.spawn(self._read_forever)
        gevent.spawn(self._ask_forever)

    def follow(self, channels: Iterable[str]) -> None:
        """Count one more follower of each channel."""
        for channel in channels:
            self._wanted[channel] = self._wanted.get(channel, 0) + 1
            self._left_at.pop(channel, None)
            self._acknowledged.setdefault(channel, Event())
        self._changed.set()

    def leave(self, channels: Iterable[str]) -> None:
        """Count one follower less; a channel without any is left thirty seconds later."""
        for channel in channels:
            count = self._wanted.get(channel, 0) - 1
            if count > 0:
                self._wanted[channel] = count
            elif self._wanted.pop(channel, None) is not None:
                self._left_at[channel] = time.monotonic()

    def wait(self, channels: Iterable[str], timeout: float) -> bool:
        """Wait until Redis has acknowledged these channels; False if it is away (go on: the heads check serves)."""
        if self._is_down:
            return False
        deadline = time.monotonic() + timeout
        return all(
            event.wait(max(0.0, deadline - time.monotonic()))
            for channel in channels
            if (event := self._acknowledged.get(channel)) is not None
        )

    def _read_forever(self) -> None:
        pause = RECONNECT_SECONDS[0]
        while True:
            try:
                self._connect()
                pause = RECONNECT_SECONDS[0]
                self._read()
            except (RedisError, OSError) as error:
                log.warning("the subscription is down", extra={"error": type(error).__name__})
            self._disconnect()
            gevent.sleep(pause)
            pause = min(pause * 2, RECONNECT_SECONDS[1])

    def _connect(self) -> None:
        connection: Any = redis.connection(READ_TIMEOUT_SECONDS).connection_pool.make_connection()
        connection.connect()
        self._asked.clear()
        self._awaited.clear()
        self._connection = connection
        self._changed.set()

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        was_healthy, self.is_healthy, self._is_down = self.is_healthy, False, True
        if was_healthy:
            self._health_changed()
        for event in self._acknowledged.values():
            event.clear()
        if connection is not None:
            connection.disconnect()

    def _read(self) -> None:
        connection = self._connection
        waits_for_pong = False
        while connection is not None and connection is self._connection:
            if connection.can_read(timeout=READ_TIMEOUT_SECONDS):
                waits_for_pong = False
                self._take(connection.read_response(disconnect_on_error=False))
            elif waits_for_pong:
                return
            else:
                connection.send_command("PING", check_health=False)
                waits_for_pong = True

    def _take(self, response: list[object]) -> None:
        kind, channel, *rest = response
        if kind == b"message":
            self._deliver(bytes(channel).decode(), bytes(rest[0]))  # type: ignore[call-overload]
        elif kind == b"subscribe":
            name = bytes(channel).decode()  # type: ignore[call-overload]
            self._awaited.discard(name)
            event = self._acknowledged.get(name)
            if event is not None:
                event.set()
            # Not before the last acknowledgement: what a channel missed until then is found by the look that follows.
            if not self.is_healthy and not self._awaited and self._asked >= self._wanted.keys():
                self.is_healthy, self._is_down = True, False
                self._health_changed()

    def _ask_forever(self) -> None:
        while True:
            self._changed.wait(timeout=LEAVE_AFTER_SECONDS / 3)
            self._changed.clear()
            try:
                self._ask()
            except (RedisError, OSError):
                self._disconnect_soon()

    def _ask(self) -> None:
        connection = self._connection
        if connection is None:
            return
        now = time.monotonic()
        over = [c for c, since in self._left_at.items() if now - since > LEAVE_AFTER_SECONDS]
        for channel in over:
            del self._left_at[channel]
            self._acknowledged.pop(channel, None)
            self._asked.discard(channel)
        for part in _parts(over):
            connection.send_command("UNSUBSCRIBE", *part, check_health=False)
        new = [c for c in (*self._wanted, *self._left_at) if c not in self._asked]
        for part in _parts(new):
            self._asked.update(part)
            self._awaited.update(part)
            connection.send_command("SUBSCRIBE", *part, check_health=False)

    def _disconnect_soon(self) -> None:
        connection = self._connection
        if connection is not None:
            connection.disconnect()


def _parts(channels: list[str]) -> Iterable[list[str]]:
    return (channels[start : start + CHANNELS_PER_COMMAND] for start in range(0, len(channels), CHANNELS_PER_COMMAND))
