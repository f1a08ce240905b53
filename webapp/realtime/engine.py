"""The WebSocket server behind flask-sock: one greenlet a connection, sending that never waits, reading that does.

`flask_sock.Server = Socket`, once at start, puts it in place. It needs gevent's sockets (`monkey.patch_all()`) and
leaves TLS to whatever stands in front.
"""

from __future__ import annotations

import logging
import math
import socket
import struct
from collections import deque
from dataclasses import dataclass
from time import monotonic
from typing import Any, NamedTuple

import gevent
import gevent.socket
from flask_sock import ConnectionClosed as FlaskSockClosed
from gevent.event import Event

from webapp.realtime.frames import PING, Goodbye, Reader, frame, goodbye, switching_protocols

__all__ = ["ConnectionClosed", "Limits", "Socket", "close_all", "frame", "open_sockets"]

SLOW_CONSUMER = 4008
ABNORMAL = 1006

_RECEIVE_BYTES = 16 * 1024
_TICK_SECONDS = 1.0
_BATCH = 200
_SEND_FLAGS = socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Limits:
    """What one socket may hold back, and how long a silent or unwilling peer is waited for."""

    queue_bytes: int = 256 * 1024
    max_message: int = 64 * 1024
    ping_seconds: float = 25.0
    silence_seconds: float = 60.0
    close_seconds: float = 5.0


class ConnectionClosed(FlaskSockClosed):  # type: ignore[misc]
    """The connection is over; `code` and `reason` as the peer gave them, or as they were sent to it."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(code, reason)
        self.code = code
        self.reason = reason


class _ElapsedError(Exception):
    """`receive` waited as long as it was asked to; not TimeoutError, which is also what a dead TCP peer raises."""


class _Entry(NamedTuple):
    """Whole frames (or the rest of those under way) in a backlog; `written` is set for whoever waits for them."""

    frames: memoryview
    written: Event | None


_DEFAULT = Limits()
_sockets: set[Socket] = set()
_keeper: gevent.Greenlet[[], None] | None = None


class Socket:
    """One client. Every method but `receive`, `send_reply` and `send` returns at once, from whatever greenlet."""

    __slots__ = (
        "_backlog",
        "_counted",
        "_deadline",
        "_ended",
        "_heard",
        "_limits",
        "_next_ping",
        "_owner",
        "_raw",
        "_reader",
        "_sock",
        "closed",
        "mode",
    )

    def __init__(self, environ: dict[str, Any], limits: Limits = _DEFAULT) -> None:
        self.mode = "gunicorn" if "gunicorn.socket" in environ else "werkzeug"
        self._sock: Any = environ[f"{self.mode}.socket"]
        cooperative = type(self._sock) is gevent.socket.socket
        if not cooperative:
            raise RuntimeError("WebSockets need gevent's patched sockets, without TLS of their own.")
        answer = switching_protocols(environ)
        self._raw: socket.socket = self._sock._sock
        self._limits = limits
        self._reader = Reader(limits.max_message)
        self._owner = gevent.getcurrent()
        self._backlog: deque[_Entry] | None = None
        self._counted = 0
        self._ended: tuple[int, str] = (ABNORMAL, "")
        self._deadline = math.inf
        self._heard = monotonic()
        self._next_ping = self._heard + limits.ping_seconds
        self.closed = False
        _register(self)
        self._offer(answer)
        if early := _sent_too_early(environ):
            self._feed(early)

    # --- receiving, in the handler's own greenlet

    def receive(self, timeout: float | None = None) -> str | None:
        """The next text message, None after `timeout` seconds; only here is anything read, so TCP slows a flood."""
        deadline = None if timeout is None else monotonic() + timeout
        reader = self._reader
        while not self.closed:
            if reader.messages:
                return reader.messages.pop(0)
            if reader.goodbye:
                self._end(reader.goodbye)
                break
            try:
                received = self._read(deadline)
            except _ElapsedError:
                return None
            except OSError:
                self._lose()
            else:
                self._feed(received)
        raise ConnectionClosed(*self._ended)

    def _read(self, deadline: float | None = None) -> bytes:
        # Waiting first gives every other greenlet its turn between two chunks, however fast this client is.
        while True:
            remaining = None if deadline is None else max(0.0, deadline - monotonic())
            gevent.socket.wait(self._sock._read_event, remaining, _ElapsedError)
            try:
                return self._raw.recv(_RECEIVE_BYTES)
            except BlockingIOError:
                continue

    def _feed(self, received: bytes) -> None:
        if not received:
            self._end(Goodbye(ABNORMAL, "", b""))
            return
        self._heard = monotonic()
        if pongs := self._reader.feed(received):
            self.send_reply(pongs)

    # --- sending

    def send_frames(self, frames: bytes, *, droppable: bool = False) -> bool:
        """Send whole frames without ever waiting; False if they were dropped or the socket is over or too slow."""
        if self.closed:
            return False
        if self._backlog is not None:
            return not droppable and self._append(memoryview(frames))
        sent = self._try_send(frames)
        if sent == len(frames):
            return True
        if sent is None or (droppable and not sent):
            return False
        return self._append(memoryview(frames)[sent:])

    def send_reply(self, frames: bytes) -> None:
        """Send what this very client asked for, waiting while it reads; a big answer is no sign of slowness."""
        if not self.closed and (written := self._offer(frames)):
            written.wait()

    def send(self, text: str) -> None:
        """Send one text message as a reply, under the name that flask-sock gives it."""
        self.send_reply(frame(text.encode()))

    def _try_send(self, frames: bytes) -> int | None:
        try:
            return self._raw.send(frames, _SEND_FLAGS)
        except BlockingIOError:
            return 0
        except OSError:
            self._lose()
            return None

    def _offer(self, frames: bytes) -> Event | None:
        """Send in order, outside the bound; returns what to wait on if something is left."""
        sent = 0 if self._backlog is not None else self._try_send(frames)
        if sent is None or sent == len(frames):
            return None
        written = Event()
        self._push(_Entry(memoryview(frames)[sent:], written))
        return written

    def _append(self, frames: memoryview) -> bool:
        self._push(_Entry(frames, None))
        self._counted += len(frames)
        if self._counted <= self._limits.queue_bytes:
            return True
        _log.info("socket closed as too slow with %d bytes waiting", self._counted)
        self._end(goodbye(SLOW_CONSUMER, "slow consumer"))
        return False

    def _push(self, entry: _Entry) -> None:
        if self._backlog is None:
            self._backlog = deque()
            gevent.spawn(self._flush)
        self._backlog.append(entry)

    def _settle(self, entry: _Entry) -> None:
        if entry.written is not None:
            entry.written.set()
        else:
            self._counted -= len(entry.frames)

    def _flush(self) -> None:
        backlog = self._backlog
        try:
            while backlog:
                self._drain(backlog[0].frames)
                self._settle(backlog.popleft())
        except OSError:
            self._lose()
        finally:
            while backlog:
                self._settle(backlog.popleft())
            self._backlog = None
        if self.closed:
            self._shut(socket.SHUT_WR)

    def _drain(self, rest: memoryview) -> None:
        while rest:
            try:
                rest = rest[self._raw.send(rest, _SEND_FLAGS) :]
            except BlockingIOError:
                gevent.socket.wait(self._sock._write_event)
            else:
                # Room in the kernel's buffer means that the peer acknowledged something: it lives.
                self._heard = monotonic()

    # --- the end

    def close(self, code: int = 1000, reason: str = "") -> None:
        """End the connection after what is queued and wake `receive`; the handler's greenlet also sees the peer off."""
        self._end(goodbye(code, reason))
        if gevent.getcurrent() is self._owner:
            self._see_off()

    def _end(self, ending: Goodbye) -> None:
        if self.closed:
            return
        self._ended = (ending.code, ending.reason)
        self._offer(ending.farewell)
        self.closed = True
        self._deadline = min(self._deadline, monotonic() + self._limits.close_seconds)
        if self._backlog is None:
            self._shut(socket.SHUT_WR)
        self._wake()

    def _see_off(self) -> None:
        # Closing with input unread would reset the connection and take the close frame from the peer. The keeper cuts
        # it at the deadline, which ends the reading here.
        try:
            while self._read():
                pass
        except OSError:
            _log.debug("peer was gone before it was seen off")
        self._forget()

    def _lose(self) -> None:
        if not self.closed:
            self.closed = True
            self._cut()
            self._wake()

    def _wake(self) -> None:
        gevent.socket.cancel_wait(self._sock._read_event, ConnectionAbortedError())

    def _cut(self) -> None:
        try:
            self._raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        except OSError:
            _log.debug("socket was gone before it was cut")
        self._shut(socket.SHUT_RDWR)
        self._forget()

    def _forget(self) -> None:
        self._deadline = math.inf
        _sockets.discard(self)

    def _shut(self, how: int) -> None:
        try:
            self._raw.shutdown(how)
        except OSError:
            _log.debug("peer was gone before the connection was shut")

    def _look_after(self, now: float) -> None:
        if now >= self._deadline:
            self._cut()
        elif now - self._heard >= self._limits.silence_seconds:
            self._lose()
        elif now >= self._next_ping:
            self._next_ping = now + self._limits.ping_seconds
            self.send_frames(PING, droppable=True)


def open_sockets() -> list[Socket]:
    """Every socket of this process that still takes frames."""
    return [each for each in _sockets if not each.closed]


def close_all(code: int, reason: str, batch: int = 100) -> None:
    """Close every socket of this process, `batch` at a time, letting everyone else run in between."""
    for number, each in enumerate(open_sockets(), start=1):
        each.close(code, reason)
        if number % batch == 0:
            gevent.sleep(0)


def _register(new: Socket) -> None:
    global _keeper  # noqa: PLW0603 - one keeper a process, alive while there are sockets
    _sockets.add(new)
    if _keeper is None or _keeper.dead:
        _keeper = gevent.spawn(_keep)


def _keep() -> None:
    while _sockets:
        gevent.sleep(_TICK_SECONDS)
        now = monotonic()
        for number, each in enumerate(tuple(_sockets), start=1):
            each._look_after(now)
            if number % _BATCH == 0:
                gevent.sleep(0)


def _sent_too_early(environ: dict[str, Any]) -> bytes:
    """What gunicorn's parser read beyond the handshake: a client may send its first frame in the same packet."""
    unreader = getattr(getattr(environ.get("wsgi.input"), "reader", None), "unreader", None)
    return unreader.take_buffered() if unreader else b""
