"""Closed loops of senders: each waits for its answer, and every message is timed to whoever listens."""

from __future__ import annotations

from collections.abc import Sequence
from time import perf_counter
from typing import Protocol
from uuid import uuid4

from tests.bench.clients import Commander, HttpCaller, Loop, WebSocket, request, text_frame
from tests.bench.dataset import SPEECH, Person
from tests.bench.stack import CpuMeter, Running
from tests.bench.work import BenchError, Figures, Scale, times

DRAIN_SECONDS = 30.0
_CONTENT = b'"content":"'
_DIGITS = 8


class Sender(Protocol):
    """Sends one message at a time."""

    def go(self) -> None: ...

    def close(self) -> None: ...


class Traffic:
    """Messages under way, known by the number at the head of their text.

    `paced`: a sender goes on when its message has reached everybody; else when it was answered.
    """

    def __init__(self, listeners: int, *, paced: bool = False) -> None:
        self._listeners = listeners
        self._paced = paced
        self._first = 0
        self._next = 0
        self._is_open = False
        self.sample = b""
        self._clear()

    def _clear(self) -> None:
        self._first = self._next
        self._pending = 0
        self._missing: list[int] = []
        self._senders: list[Sender] = []
        self.sent: list[float] = []
        self.answers: list[float] = []
        self.answered_at: list[float] = []
        self.deliveries: list[float] = []
        self.whole: list[float] = []

    def begin(self, sender: Sender) -> int:
        """Number a message that is sent now."""
        number = self._next
        self._next += 1
        self._pending += 1 + self._listeners
        self._missing.append(self._listeners + self._paced)
        self._senders.append(sender)
        self.sent.append(perf_counter())
        return number

    def answered(self, number: int) -> None:
        """The sender was told that its message is in the log."""
        index = number - self._first
        now = perf_counter()
        self.answered_at.append(now)
        self.answers.append(now - self.sent[index])
        self._pending -= 1
        if self._paced:
            self._arrived(index)
        elif self._is_open:
            self._senders[index].go()

    def take(self, payload: bytes) -> None:
        """A frame that a listener got."""
        if payload[9:17] != b'message"':
            return
        at = payload.find(_CONTENT) + len(_CONTENT)
        index = int(payload[at : at + _DIGITS]) - self._first
        delay = perf_counter() - self.sent[index]
        self.deliveries.append(delay)
        self._pending -= 1
        if not self.sample:
            self.sample = payload
        self._arrived(index)

    def _arrived(self, index: int) -> None:
        self._missing[index] -= 1
        if not self._missing[index]:
            self.whole.append(perf_counter() - self.sent[index])
            if self._paced and self._is_open:
                self._senders[index].go()

    def run(self, loop: Loop, senders: Sequence[Sender], seconds: float) -> float:
        """Let them send for so long; how long it took until all was answered and delivered."""
        self._clear()
        self._is_open = True
        began = perf_counter()
        for sender in senders:
            sender.go()
        loop.run(seconds)
        self._is_open = False
        loop.run_until(lambda: self._pending == 0, DRAIN_SECONDS, f"{self._pending} answers or deliveries")
        return perf_counter() - began


class SocketSender:
    """A member who sends over a socket of their own, to rooms in turn."""

    def __init__(self, loop: Loop, port: int, person: Person, rooms: Sequence[str], traffic: Traffic) -> None:
        self.socket = self._open(loop, port, person.token)
        self._rooms, self._traffic = rooms, traffic
        self._number = self._turn = 0

    def go(self) -> None:
        self._turn += 1
        room = self._rooms[self._turn % len(self._rooms)]
        self._number = number = self._traffic.begin(self)
        head = f'{{"id":{number},"type":"send","room_id":"{room}",'
        self.socket.send(text_frame(head.encode() + _body(number)))

    def close(self) -> None:
        self.socket.close()

    def _open(self, loop: Loop, port: int, token: str) -> WebSocket:
        return Commander(loop, port, token, self._answered)

    def _answered(self) -> None:
        self._traffic.answered(self._number)


class ListeningSender(SocketSender):
    """A member whose own socket counts among those that a message has to reach."""

    def _open(self, loop: Loop, port: int, token: str) -> WebSocket:
        return WebSocket(loop, port, token, self._take)

    def _take(self, payload: bytes) -> None:
        if not payload.startswith(b'{"id":'):
            self._traffic.take(payload)
        elif b'"ok":true' in payload[:40]:
            self._answered()
        else:
            raise BenchError(f"a command was refused: {payload[:300]!r}")


class HttpSender:
    """A member who sends over a kept-alive HTTP connection, to rooms in turn."""

    def __init__(self, loop: Loop, port: int, person: Person, rooms: Sequence[str], traffic: Traffic) -> None:
        self._caller = HttpCaller(loop, port, self._answered)
        self._token, self._rooms, self._traffic = person.token, rooms, traffic
        self._number = self._turn = 0

    def go(self) -> None:
        self._turn += 1
        room = self._rooms[self._turn % len(self._rooms)]
        self._number = number = self._traffic.begin(self)
        self._caller.send(request("POST", f"/chats/rooms/{room}/messages", self._token, b"{" + _body(number)))

    def close(self) -> None:
        self._caller.close()

    def _answered(self, _: bytes) -> None:
        self._traffic.answered(self._number)


def _body(number: int) -> bytes:
    return f'"client_message_id":"{uuid4()}","content":"{number:0{_DIGITS}d} {SPEECH}"}}'.encode()


def sending(running: Running, loop: Loop, traffic: Traffic, senders: Sequence[Sender], scale: Scale) -> Figures:
    """Messages a second, how long answers and deliveries take, and what a message costs the servers."""
    traffic.run(loop, senders, scale.warm_up)
    meter = CpuMeter(running)
    elapsed = traffic.run(loop, senders, scale.seconds)
    sent = len(traffic.sent)
    if sent < len(senders):
        raise BenchError("not every sender got through")
    return {
        "messages/s": sent / elapsed,
        **times("answer", traffic.answers),
        **times("delivery", traffic.deliveries),
        **meter.per(sent, "message"),
    }
