"""Clients that cost next to nothing, since they share the machine with what they measure: bare sockets on one epoll."""

from __future__ import annotations

import select
import socket
import struct
from collections.abc import Callable, Iterable, Sequence
from time import perf_counter
from typing import Protocol

from tests.bench.work import BenchError

HOST = "127.0.0.1"
_RECEIVE = 1 << 18
_EVENTS = 1024
CLOSE = 0x88
_TEXT, _PING = 0x81, 0x89
# A key of zeros leaves the payload as it is, so a frame costs the client nothing to mask.
_KEY = bytes(4)
_PONG = bytes((0x8A, 0x80)) + _KEY
_ANSWER = b'{"id":'


class Loop:
    """One epoll for all connections of the bench."""

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._readers: dict[int, Callable[[], None]] = {}
        self._last = perf_counter()

    def add(self, descriptor: int, reader: Callable[[], None]) -> None:
        """Call the reader whenever there is something to read."""
        self._readers[descriptor] = reader
        self._epoll.register(descriptor, select.EPOLLIN)

    def remove(self, descriptor: int) -> None:
        if self._readers.pop(descriptor, None) is not None:
            self._epoll.unregister(descriptor)

    def run(self, seconds: float) -> None:
        """Serve the connections for so long."""
        deadline = perf_counter() + seconds
        while (left := deadline - perf_counter()) > 0:
            self._step(left)

    def run_until(self, condition: Callable[[], bool], seconds: float, wanted: str) -> None:
        """Serve the connections until the condition holds."""
        deadline = perf_counter() + seconds
        while not condition():
            if perf_counter() > deadline:
                raise BenchError(f"not within {seconds:g} s: {wanted}")
            self._step(0.02)

    def run_until_quiet(self, seconds: float, *, quiet: float = 0.5) -> None:
        """Serve the connections until nothing has come for `quiet` seconds."""
        self._last = perf_counter()
        self.run_until(lambda: perf_counter() - self._last > quiet, seconds, "the end of what the server sends")

    def _step(self, seconds: float) -> None:
        readers = self._readers
        found = self._epoll.poll(seconds, _EVENTS)
        if found:
            self._last = perf_counter()
        for descriptor, _ in found:
            if (reader := readers.get(descriptor)) is not None:
                reader()


def text_frame(payload: bytes) -> bytes:
    """One text frame as a client sends it."""
    length = len(payload)
    if length < 126:
        return bytes((_TEXT, 0x80 | length)) + _KEY + payload
    if length < 65536:
        return struct.pack("!BBH", _TEXT, 0xFE, length) + _KEY + payload
    return struct.pack("!BBQ", _TEXT, 0xFF, length) + _KEY + payload


class Connection:
    """A TCP connection on the loop, read as fast as it comes."""

    def __init__(self, loop: Loop, port: int) -> None:
        self._loop = loop
        self._tcp = socket.create_connection((HOST, port))
        self._tcp.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._unread = b""
        self._tcp.setblocking(False)
        loop.add(self._tcp.fileno(), self._readable)

    def send(self, whole: bytes) -> None:
        """Send now; what is sent here is small enough for an idle connection to take whole."""
        if self._tcp.send(whole) != len(whole):
            raise BenchError("the server does not read")

    def close(self) -> None:
        self._loop.remove(self._tcp.fileno())
        self._tcp.close()

    def _readable(self) -> None:
        try:
            received = self._tcp.recv(_RECEIVE)
        except OSError as error:
            raise BenchError(f"a connection was lost: {error}") from error
        if not received:
            raise BenchError(f"the server closed a connection; last it sent {self._unread[-200:]!r}")
        self._unread = self._read(self._unread + received if self._unread else received)

    def _read(self, received: bytes) -> bytes:
        """Take what is whole; the rest comes again with more."""
        raise NotImplementedError


class Frames(Connection):
    """Text frames as a server sends them; each goes to `take`."""

    def __init__(self, loop: Loop, port: int, take: Callable[[bytes], None]) -> None:
        super().__init__(loop, port)
        self._take = take

    def _read(self, received: bytes) -> bytes:
        at, end = 0, len(received)
        while end - at >= 2:
            length, start = received[at + 1], at + 2
            if length >= 126:
                start += 2 if length == 126 else 8
                if end < start:
                    break
                length = int.from_bytes(received[at + 2 : start])
            following = start + length
            if following > end:
                break
            if received[at] == _TEXT:
                self._take(received[start:following])
            else:
                self._control(received[at], received[start:following])
            at = following
        return received[at:]

    def _control(self, kind: int, payload: bytes) -> None:
        if kind == _PING:
            self.send(_PONG)
        elif kind == CLOSE:
            raise BenchError(f"the server closed a socket: {int.from_bytes(payload[:2])} {payload[2:].decode()}")


class WebSocket(Frames):
    """A member's socket; `take` gets every text frame after `hello`, which is kept."""

    def __init__(self, loop: Loop, port: int, token: str, take: Callable[[bytes], None]) -> None:
        super().__init__(loop, port, self._greet)
        self.hello = b""
        self._take_after_hello = take
        self._is_upgraded = False
        self.send(
            f"GET /api/v1/chats/ws?token={token} HTTP/1.1\r\nHost: {HOST}\r\nUpgrade: websocket\r\n"
            "Connection: Upgrade\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
            "Sec-WebSocket-Version: 13\r\n\r\n".encode()
        )

    def _read(self, received: bytes) -> bytes:
        if self._is_upgraded:
            return super()._read(received)
        head, end, frames = received.partition(b"\r\n\r\n")
        if not end:
            return received
        if not head.startswith(b"HTTP/1.1 101 "):
            raise BenchError(f"no socket was opened: {head[:100]!r}")
        self._is_upgraded = True
        return super()._read(frames)

    def _greet(self, payload: bytes) -> None:
        if not payload.startswith(b'{"type":"hello"'):
            raise BenchError(f"no hello but {payload[:200]!r}")
        self.hello = payload
        self._take = self._take_after_hello


class Commander(WebSocket):
    """A member's socket that looks for nothing but the answer to its one command under way.

    What else comes, events of the room above all, is passed over in one search instead of frame by frame.
    """

    def __init__(self, loop: Loop, port: int, token: str, answered: Callable[[], None]) -> None:
        super().__init__(loop, port, token, lambda _: None)
        self._answered = answered

    def _read(self, received: bytes) -> bytes:
        if not self.hello:
            return super()._read(received)
        at = received.find(_ANSWER)
        if at < 0:
            return received[-len(_ANSWER) :]
        verdict = received[at : at + 40]
        if b'"ok":true' not in verdict:
            if len(verdict) < 40:
                return received[at:]
            raise BenchError(f"a command was refused: {received[at : at + 300]!r}")
        self._answered()
        return b""


class HttpCaller(Connection):
    """A kept-alive HTTP connection with one request under way."""

    def __init__(self, loop: Loop, port: int, answered: Callable[[bytes], None]) -> None:
        super().__init__(loop, port)
        self._answered = answered

    def _read(self, received: bytes) -> bytes:
        head_end = received.find(b"\r\n\r\n")
        if head_end < 0:
            return received
        body_start = head_end + 4
        length_at = received.find(b"Content-Length: ", 0, head_end) + 16
        length = int(received[length_at : received.index(b"\r\n", length_at)])
        if len(received) < body_start + length:
            return received
        if not received.startswith(b"HTTP/1.1 2"):
            raise BenchError(f"a request was refused: {received[:100]!r} {received[body_start:][:300]!r}")
        self._answered(received[body_start:])
        return b""


def request(method: str, path: str, token: str, body: bytes = b"") -> bytes:
    """An HTTP request as bytes."""
    content = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n" if body else ""
    head = f"{method} /api/v1{path} HTTP/1.1\r\nHost: {HOST}\r\nAuthorization: Bearer {token}\r\n{content}\r\n"
    return head.encode() + body


def open_sockets(
    loop: Loop, port: int, tokens: Sequence[str], take: Callable[[bytes], None], *, at_once: int = 64
) -> list[WebSocket]:
    """A socket for each token, so many handshakes under way at a time; all have their `hello`."""
    opened: list[WebSocket] = []
    for start in range(0, len(tokens), at_once):
        batch = [WebSocket(loop, port, token, take) for token in tokens[start : start + at_once]]
        await_hello(loop, batch)
        opened += batch
    return opened


def await_hello(loop: Loop, sockets: Sequence[WebSocket]) -> None:
    """Serve the loop until all of these sockets have been greeted."""
    loop.run_until(lambda: all(socket.hello for socket in sockets), 60, "hello on every socket")


class Closable(Protocol):
    """Whatever holds a connection."""

    def close(self) -> None: ...


def close_all(closables: Iterable[Closable]) -> None:
    """Hang up on the server."""
    for each in closables:
        each.close()
