"""A WebSocket client of bare bytes: it can be slow, rude or silent, as no library's client can."""

from __future__ import annotations

import base64
import os
import socket
import struct
from typing import NamedTuple

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10

HANDSHAKE = {
    "Host": "localhost",
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Key": base64.b64encode(bytes(16)).decode(),
    "Sec-WebSocket-Version": "13",
}


class Received(NamedTuple):
    """One frame from the server."""

    opcode: int
    payload: bytes

    @property
    def code(self) -> int:
        """The close code, 1005 where there is none."""
        return int.from_bytes(self.payload[:2]) if self.payload else 1005


def masked(opcode: int, payload: bytes = b"", *, fin: bool = True, rsv: int = 0) -> bytes:
    """A client's frame, masked with a random key."""
    key = os.urandom(4)
    head = bytes(((0x80 if fin else 0) | rsv << 4 | opcode,))
    if len(payload) < 126:
        head += bytes((0x80 | len(payload),))
    elif len(payload) < 65536:
        head += struct.pack("!BH", 0xFE, len(payload))
    else:
        head += struct.pack("!BQ", 0xFF, len(payload))
    return head + key + bytes(byte ^ key[place % 4] for place, byte in enumerate(payload))


class RawClient:
    """A connection on which any bytes may be sent; everything received is checked to be whole, legal frames."""

    def __init__(self, port: int, path: str, *, window: int | None = None, first: bytes = b"") -> None:
        self.tcp = socket.socket()
        self.tcp.settimeout(10)
        if window:
            self.tcp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
        self.tcp.connect(("127.0.0.1", port))
        lines = [f"GET {path} HTTP/1.1", *(f"{name}: {value}" for name, value in HANDSHAKE.items())]
        self.tcp.sendall("\r\n".join([*lines, "", ""]).encode() + first)
        self._unread = b""
        while b"\r\n\r\n" not in self._unread:
            self._unread += self.tcp.recv(4096)
        answer, _, self._unread = self._unread.partition(b"\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 101 ")

    def __enter__(self) -> RawClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.tcp.close()

    def send(self, opcode: int, payload: bytes = b"", *, fin: bool = True) -> None:
        """Send one well-formed frame."""
        self.tcp.sendall(masked(opcode, payload, fin=fin))

    def receive(self) -> Received | None:
        """The next frame, or None at the end of the connection, wherever in a frame it came."""
        head = self._exactly(2)
        if head is None:
            return None
        assert head[0] & 0xF0 == 0x80, "a server's frames here are final and use no extension"
        assert not head[1] & 0x80, "a server must not mask"
        length = head[1]
        if length > 125:
            more = self._exactly(2 if length == 126 else 8)
            if more is None:
                return None
            length = int.from_bytes(more)
        payload = self._exactly(length)
        return None if payload is None else Received(head[0] & 0x0F, payload)

    def rest(self) -> list[Received]:
        """Every frame up to the end of the connection."""
        return list(iter(self.receive, None))

    def _exactly(self, length: int) -> bytes | None:
        while len(self._unread) < length:
            try:
                received = self.tcp.recv(65536)
            except ConnectionResetError:
                received = b""
            if not received:
                return None
            self._unread += received
        taken, self._unread = self._unread[:length], self._unread[length:]
        return taken
