"""WebSocket without I/O: the handshake's answer, the frames that leave, and the reading of those that arrive."""

from __future__ import annotations

import base64
import binascii
import logging
import struct
from typing import Any, NamedTuple

from websockets.frames import BINARY, CLOSE, CONT, TEXT, Close, CloseCode, Frame
from websockets.protocol import OPEN, SERVER, Protocol
from websockets.utils import accept_key
from werkzeug.exceptions import BadRequest

PING = bytes((0x89, 0))
LARGEST_REASON = 123

# The library logs the content of frames at DEBUG; a level of its own keeps that out of our logs for good.
_silent = logging.getLogger(f"{__name__}.protocol")
_silent.setLevel(logging.WARNING)


class Goodbye(NamedTuple):
    """How a connection ends: what the handler is told, and the bytes that tell the peer."""

    code: int
    reason: str
    farewell: bytes


def frame(payload: bytes) -> bytes:
    """One whole text frame as a server sends it: final, unmasked, never compressed."""
    length = len(payload)
    if length < 126:
        return bytes((0x81, length)) + payload
    if length < 65536:
        return struct.pack("!BBH", 0x81, 126, length) + payload
    return struct.pack("!BBQ", 0x81, 127, length) + payload


def goodbye(code: int, reason: str = "") -> Goodbye:
    """A close frame with a legal code, its reason cut to what a control frame may hold."""
    reason = reason.encode()[:LARGEST_REASON].decode(errors="ignore")
    return Goodbye(code, reason, Frame(CLOSE, Close(code, reason).serialize()).serialize(mask=False))


def switching_protocols(environ: dict[str, Any]) -> bytes:
    """The 101 answer to a sound handshake, without any extension; any other handshake is a 400."""
    key = environ.get("HTTP_SEC_WEBSOCKET_KEY", "")
    sound = (
        environ.get("REQUEST_METHOD") == "GET"
        and environ.get("SERVER_PROTOCOL") == "HTTP/1.1"
        and environ.get("HTTP_UPGRADE", "").strip().lower() == "websocket"
        and "upgrade" in (option.strip() for option in environ.get("HTTP_CONNECTION", "").lower().split(","))
        and environ.get("HTTP_SEC_WEBSOCKET_VERSION") == "13"
        and environ.get("CONTENT_LENGTH") in (None, "", "0")
        and "HTTP_TRANSFER_ENCODING" not in environ
        and _is_nonce(key)
    )
    if not sound:
        raise BadRequest("The WebSocket handshake is malformed.")
    return (
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Accept: {accept_key(key)}\r\n\r\n"
    ).encode()


def _is_nonce(key: str) -> bool:
    try:
        return len(base64.b64decode(key, validate=True)) == 16
    except (binascii.Error, ValueError):
        return False


class Reader:
    """Turns received bytes into whole text messages, the pongs they call for, and at most one goodbye."""

    __slots__ = ("_partial", "_protocol", "goodbye", "messages")

    def __init__(self, max_message: int) -> None:
        self._protocol = Protocol(SERVER, state=OPEN, max_size=max_message, logger=_silent)
        self._partial: bytearray | None = None
        self.messages: list[str] = []
        self.goodbye: Goodbye | None = None

    def feed(self, received: bytes) -> bytes:
        """Read on from these bytes and return the pongs now due; call it no more once there is a goodbye."""
        protocol = self._protocol
        protocol.receive_data(received)
        arrivals: list[Any] = protocol.events_received()
        for arrived in arrivals:
            if arrived.opcode is TEXT and arrived.fin:
                self._complete(arrived.data)
            else:
                self._piece(arrived)
            if self.goodbye:
                return b""
        answers = b"".join(protocol.data_to_send())
        if protocol.state is OPEN:
            return answers
        ending = protocol.close_rcvd if protocol.parser_exc is None else protocol.close_sent
        assert ending is not None  # noqa: S101 - the library leaves OPEN only by one of the two
        self.goodbye = Goodbye(ending.code, ending.reason, answers)
        return b""

    def _piece(self, arrived: Any) -> None:
        if arrived.opcode is BINARY:
            self.goodbye = goodbye(CloseCode.UNSUPPORTED_DATA, "text only")
        elif arrived.opcode is TEXT:
            self._partial = bytearray(arrived.data)
        elif arrived.opcode is CONT and self._partial is not None:
            self._partial += arrived.data
            if arrived.fin:
                self._complete(self._partial)
                self._partial = None

    def _complete(self, text: bytes | bytearray) -> None:
        try:
            self.messages.append(text.decode())
        except UnicodeDecodeError:
            self.goodbye = goodbye(CloseCode.INVALID_DATA, "text is not UTF-8")
