"""From a committed transaction to Redis: one bounded background queue, so that a stalled Redis delays nobody.

What is published may be lost at any time. A room's events are then late (fan-out reads the log), and a person's
revocations and new rooms are found by the heads check.
"""

from __future__ import annotations

import logging
import queue
import threading
from dataclasses import dataclass, field
from uuid import UUID

import orjson
from redis.exceptions import RedisError

from webapp.core.extensions import redis

log = logging.getLogger(__name__)

QUEUE_BOUND = 10_000
BATCH = 256


@dataclass(frozen=True, slots=True)
class LogEntry:
    """A logged event ready for fan-out.

    `born` is the number that a viewer's `visible_from_seq` is compared with (None: visible to every member);
    `sender` the member whose label a viewer may have blocked; `leaver` the member whom this entry removes.
    """

    seq: int
    after: int
    payload: bytes
    born: int | None = None
    sender: UUID | None = None
    leaver: UUID | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Signal:
    """A passing event of a room, and who among its members may have it; nobody who hides its `sender`."""

    payload: bytes
    droppable: bool = False
    only_receipts: bool = False
    except_members: frozenset[UUID] = frozenset()
    sender: UUID | None = None


@dataclass(frozen=True, slots=True)
class MarkUpdate:
    """Unread marks of many members after one burst: member id → the fields of `unread_updated`."""

    marks: dict[str, dict[str, int]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Letter:
    """Something for one person: an event for their sockets, revisions to catch up with, or sockets to close."""

    payload: bytes | None = None
    auth_rev: int | None = None
    rooms_rev: int | None = None
    closing: tuple[str, ...] = ()


Published = list[LogEntry] | Signal | MarkUpdate | Letter


def room_channel(room_id: UUID) -> str:
    """Where a room's events are published."""
    return f"room:{room_id}"


def user_channel(user_id: str) -> str:
    """Where what concerns one person's sockets is published."""
    return f"user:{user_id}"


def encode(item: Published) -> bytes:
    """One line of JSON that says what follows, then one line per payload."""
    match item:
        case list():
            header = [[e.seq, e.after, e.born, e.sender, e.leaver, e.reason] for e in item]
            return b"\n".join([orjson.dumps({"log": header}), *(e.payload for e in item)])
        case Signal():
            head = {"signal": [item.droppable, item.only_receipts, list(item.except_members), item.sender]}
            return orjson.dumps(head) + b"\n" + item.payload
        case MarkUpdate():
            return orjson.dumps({"marks": item.marks})
        case Letter():
            head = {"letter": [item.auth_rev, item.rooms_rev, item.closing]}
            return orjson.dumps(head) + b"\n" + (item.payload or b"")


def decode(raw: bytes) -> Published:
    """The inverse of `encode`."""
    first, _, rest = raw.partition(b"\n")
    head = orjson.loads(first)
    if "log" in head:
        return [
            LogEntry(seq, after, payload, born, _uuid(sender), _uuid(leaver), reason)
            for (seq, after, born, sender, leaver, reason), payload in zip(head["log"], rest.split(b"\n"), strict=True)
        ]
    if "signal" in head:
        droppable, only_receipts, excepted, sender = head["signal"]
        return Signal(rest, droppable, only_receipts, frozenset(UUID(m) for m in excepted), _uuid(sender))
    if "marks" in head:
        return MarkUpdate(head["marks"])
    auth_rev, rooms_rev, closing = head["letter"]
    return Letter(rest or None, auth_rev, rooms_rev, tuple(closing))


def _uuid(value: str | None) -> UUID | None:
    return None if value is None else UUID(value)


class Publisher:
    """Publishes in the background, in order, many messages a round trip."""

    def __init__(self) -> None:
        self._queue: queue.Queue[tuple[str, bytes]] = queue.Queue(QUEUE_BOUND)
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()

    def publish(self, channel: str, item: Published) -> None:
        """Hand over and return at once; over the bound the item is dropped and found by cursor."""
        try:
            self._queue.put_nowait((channel, encode(item)))
        except queue.Full:
            log.warning("publish queue is full")
        self._ensure_running()

    def flush(self, timeout: float = 2.0) -> None:
        """Wait, bounded, until what was handed over has left; for processes that are about to end."""
        waiter = threading.Thread(target=self._queue.join, daemon=True)
        waiter.start()
        waiter.join(timeout)

    def _ensure_running(self) -> None:
        if self._thread is None or not self._thread.is_alive():
            with self._starting:
                if self._thread is None or not self._thread.is_alive():
                    self._thread = threading.Thread(target=self._run, name="publisher", daemon=True)
                    self._thread.start()

    def _run(self) -> None:
        while True:
            batch = [self._queue.get()]
            while len(batch) < BATCH and not self._queue.empty():
                batch.append(self._queue.get_nowait())
            try:
                with redis.client.pipeline(transaction=False) as pipe:
                    for channel, body in batch:
                        pipe.publish(channel, body)
                    pipe.execute()
            except (RedisError, OSError) as error:
                log.warning("publishing failed", extra={"lost": len(batch), "error": type(error).__name__})
            for _ in batch:
                self._queue.task_done()


publisher = Publisher()
