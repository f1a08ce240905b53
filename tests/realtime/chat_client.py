"""A client that keeps the client's rule of the protocol: what it shows is whole, in order, and nothing twice."""

from __future__ import annotations

import itertools
import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar
from uuid import UUID

import orjson
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from tests.factories import TestUser
from tests.realtime.processes import API, Web

HELD = 100
SYNC_AFTER_SECONDS = 0.5
Json = dict[str, Any]
T = TypeVar("T")


class Refused(Exception):
    """A command that was answered with an error."""

    def __init__(self, error: Json) -> None:
        super().__init__(error["code"])
        self.error = error


@dataclass
class Room:
    """What a client holds of one room; `live` are the logged frames that came by themselves.

    Amid a catch-up what was born before `last` may still come after it, so a frame that only tells of a difference
    (a reaction) would miss its row: what comes by itself waits until the catch-up is whole.
    """

    room_id: str
    member_id: str | None = None
    last: int = 0
    rows: dict[str, Json] = field(default_factory=dict)
    held: list[Json] = field(default_factory=list)
    live: list[Json] = field(default_factory=list)
    reloads: int = 0
    is_syncing: bool = False
    is_amid: bool = False

    @property
    def messages(self) -> list[Json]:
        """All messages, in order; system messages too."""
        return sorted(self.rows.values(), key=lambda row: row["seq"])

    @property
    def said(self) -> list[str]:
        """What people said, in order."""
        return [row["content"] for row in self.messages if row["message_type"] != "system"]


class ChatClient:
    """One account's socket over as many connections as it takes, with a thread that reads."""

    def __init__(self, web: Web, user: TestUser, *, query: str | None = None) -> None:
        self.user = user
        self.web = web
        self.rooms: dict[str, Room] = {}
        self.frames: list[Json] = []
        self.closed: tuple[int, str] | None = None
        self.epoch: str | None = None
        self.resyncs = 0
        self.too_early: list[Json] = []
        self._is_greeted = False
        self._ids = itertools.count(1)
        self._answers: dict[int, Future[Json]] = {}
        self._due: dict[str, float] = {}
        self._changed = threading.Condition(threading.RLock())
        self._socket: ClientConnection
        self.open(web, query)

    def __enter__(self) -> ChatClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # -- the connection

    def open(self, web: Web | None = None, query: str | None = None) -> None:
        """Connect, also again and elsewhere; what is held stays."""
        self.web = web or self.web
        query = query if query is not None else f"token={self.user.token}"
        address = f"ws://127.0.0.1:{self.web.port}{API}/chats/ws?{query}"
        self._socket = connect(address, max_size=None, open_timeout=20).__enter__()
        self.closed = None
        self._is_greeted = False
        for room in self.rooms.values():
            room.is_syncing = False
        threading.Thread(target=self._read, args=(self._socket,), daemon=True).start()

    def close(self) -> None:
        """Leave, and wait until the connection is over."""
        with suppress(ConnectionClosed):
            self._socket.close()

    def cut(self) -> None:
        """Lose the connection without a word, as a phone in a tunnel does."""
        self._socket.socket.close()

    def _read(self, socket: ClientConnection) -> None:
        try:
            while True:
                with suppress(TimeoutError):
                    frame = orjson.loads(socket.recv(timeout=0.1 if self._due else 1))
                    with self._changed:
                        self._take(frame)
                        self._changed.notify_all()
                self._sync_what_is_due()
        except (ConnectionClosed, OSError) as ended:
            received = ended.rcvd if isinstance(ended, ConnectionClosed) else None
            with self._changed:
                if socket is self._socket:
                    self.closed = (received.code, received.reason) if received else (1006, "")
                answers, self._answers = self._answers, {}
                self._changed.notify_all()
            for answer in answers.values():
                answer.set_exception(ConnectionError("closed"))

    # -- commands

    def command(self, type_: str, *, seconds: float = 15, **fields: object) -> Json:
        """Ask and wait for the answer's data; a refusal raises."""
        return self.begin(type_, **fields).result(seconds)

    def begin(self, type_: str, **fields: object) -> Future[Json]:
        """Ask without waiting."""
        number, answer = next(self._ids), Future[Json]()
        with self._changed:
            self._answers[number] = answer
        try:
            command = {"id": number, "type": type_, **fields}
            self._socket.send(orjson.dumps(command, option=orjson.OPT_NON_STR_KEYS).decode())
        except (ConnectionClosed, OSError) as error:
            # Unless the reader has seen the end first, and answered for all.
            if self._answers.pop(number, None) is not None:
                answer.set_exception(ConnectionError(str(error)))
        return answer

    def send(self, room_id: UUID, content: str, **fields: object) -> Json:
        """Say something; the message as it was answered."""
        answer: Json = self.begin("send", room_id=room_id, content=content, **fields).result(15)
        message: Json = answer["message"]
        return message

    def raw(self, payload: str | bytes) -> None:
        """Send any frame."""
        self._socket.send(payload)

    # -- waiting

    def wait(self, condition: Callable[[], T], seconds: float = 15) -> T:
        """Wait until this comes true with some frame; its value."""
        deadline = time.monotonic() + seconds
        with self._changed:
            while not (met := condition()):
                left = deadline - time.monotonic()
                assert left > 0, f"it never came true; closed: {self.closed}, last frames: {self.frames[-5:]}"
                self._changed.wait(min(left, 0.5))
        return met

    def greeted(self) -> ChatClient:
        """Wait for `hello` and until all that it showed to be missing is here."""
        self.wait(lambda: self.of_type("hello") and not any(room.is_syncing for room in self.rooms.values()))
        return self

    def has(self, room_id: UUID, seq: int, seconds: float = 15) -> Room:
        """Wait until the room is known up to this number."""
        self.wait(lambda: (room := self.rooms.get(str(room_id))) and room.last >= seq, seconds)
        return self.room(room_id)

    def ended(self, seconds: float = 15) -> tuple[int, str]:
        """Wait for the end of the connection: close code and reason."""
        return self.wait(lambda: self.closed, seconds)  # type: ignore[return-value]

    def of_type(self, type_: str, room_id: UUID | None = None) -> list[Json]:
        """The frames of one type so far."""
        return [
            each
            for each in self.frames
            if each.get("type") == type_ and (room_id is None or each["room_id"] == str(room_id))
        ]

    def room(self, room_id: UUID) -> Room:
        """What is held of a room now."""
        return self.rooms[str(room_id)]

    def take_changes(self, room_id: UUID, found: Json) -> None:
        """Apply a room of an answer to `sync` that the test has asked for itself."""
        with self._changed:
            self._take_changes(self.room(room_id), found)

    # -- the rule

    def _take(self, frame: Json) -> None:
        if "ok" in frame:
            self._take_answer(frame)
            return
        self.frames.append(frame)
        self._is_greeted = self._is_greeted or frame["type"] == "hello"
        if not self._is_greeted:
            self.too_early.append(frame)
        match frame["type"]:
            case "hello":
                self._greet(frame["data"])
            case "resync":
                self.resyncs += 1
                self._forget(frame["data"]["epoch"])
            case "room_created":
                self._load(Room(frame["room_id"], frame["data"]["room"]["member_id"]))
            case "room_removed":
                self.rooms.pop(frame["room_id"], None)
            case _ if "seq" in frame:
                self._take_logged(frame)

    def _take_answer(self, frame: Json) -> None:
        answer = self._answers.pop(frame["id"], None)
        if answer is None:
            return
        if frame["ok"]:
            answer.set_result(frame["data"])
        else:
            answer.set_exception(Refused(frame["error"]))

    def _greet(self, data: Json) -> None:
        heads = {room["room_id"]: room for room in data["rooms"]}
        self.rooms = {room_id: room for room_id, room in self.rooms.items() if room_id in heads}
        if self.epoch not in {None, data["epoch"]}:
            self.rooms = {}
        self.epoch = data["epoch"]
        for room_id, head in heads.items():
            room = self.rooms.setdefault(room_id, Room(room_id))
            room.member_id = head["member_id"]
            if head["head_seq"] < room.last:
                room.last, room.rows, room.held = 0, {}, []
            if head["head_seq"] > room.last:
                self._sync(room)

    def _forget(self, epoch: str) -> None:
        self.epoch = epoch
        for room in list(self.rooms.values()):
            self._load(Room(room.room_id, room.member_id))

    def _load(self, room: Room) -> None:
        """A room that is new, or about which nothing holds any more: from its beginning."""
        self.rooms[room.room_id] = room
        self._sync(room)

    def _take_logged(self, frame: Json, *, is_live: bool = True) -> None:
        room = self.rooms.get(frame["room_id"])
        if room is None:
            return
        if is_live:
            room.live.append(frame)
        if frame["after"] > room.last or room.is_amid:
            room.held = [*room.held, frame][-HELD:]
            self._due.setdefault(room.room_id, time.monotonic() + SYNC_AFTER_SECONDS + random.uniform(0, 0.1))
        elif self._step(room, frame):
            self._retry_held(room)

    def _step(self, room: Room, frame: Json) -> bool:
        """Go on by one frame; False if it is known already."""
        if not frame["after"] <= room.last < frame["seq"]:
            return False
        room.last = frame["seq"]
        self._apply(room, frame)
        return True

    def _retry_held(self, room: Room) -> None:
        held, room.held = sorted(room.held, key=lambda frame: int(frame["seq"])), []
        for frame in held:
            self._take_logged(frame, is_live=False)
        if not room.held:
            self._due.pop(room.room_id, None)

    def _apply(self, room: Room, frame: Json) -> None:
        message = frame["data"].get("message")
        if message is not None:
            self._apply_row(room, message)
        elif frame["type"] in {"reaction_added", "reaction_removed"}:
            row = room.rows.get(frame["data"]["message_id"])
            if row is not None and row["changed_seq"] < frame["seq"]:
                row["changed_seq"] = frame["seq"]

    def _apply_row(self, room: Room, message: Json) -> None:
        known = room.rows.get(message["message_id"])
        if known is None or known["changed_seq"] < message["changed_seq"]:
            room.rows[message["message_id"]] = message

    def _sync_what_is_due(self) -> None:
        now = time.monotonic()
        with self._changed:
            for room_id in [room_id for room_id, due in self._due.items() if due <= now]:
                del self._due[room_id]
                if room_id in self.rooms:
                    self._sync(self.rooms[room_id])

    def _sync(self, room: Room) -> None:
        if room.is_syncing:
            return
        room.is_syncing = True
        asked = self.begin("sync", cursors={room.room_id: room.last})
        asked.add_done_callback(lambda answer: self._synced(room, answer))

    def _synced(self, room: Room, answer: Future[Json]) -> None:
        with self._changed:
            room.is_syncing = False
            if answer.exception() is not None or self.rooms.get(room.room_id) is not room:
                return
            found = answer.result()["rooms"].get(room.room_id)
            if found is None or room.room_id in answer.result()["more"]:
                self._take_changes(room, found, is_whole=False)
                self._sync(room)
            elif found.get("gone"):
                self.rooms.pop(room.room_id)
            elif found["recovered"]:
                self._take_changes(room, found)
            else:
                self._reload(room)
            self._changed.notify_all()

    def _take_changes(self, room: Room, found: Json | None, *, is_whole: bool = True) -> None:
        if found is None:
            return
        for change in found["changes"]:
            self._step(room, change)
        room.last = max(room.last, found["through_seq"])
        room.is_amid = not is_whole
        if is_whole:
            self._retry_held(room)

    def _reload(self, room: Room) -> None:
        """Forget the room's rows and read pages of history, the newest first."""
        room.reloads += 1
        room.rows, before, head = {}, "", 0
        while True:
            page = self.web.call(self.user, "GET", f"/chats/rooms/{room.room_id}/messages?limit=100{before}")
            head = head or page["head_seq"]
            for message in page["messages"]:
                self._apply_row(room, message)
            if not page["has_more_before"]:
                break
            before = f"&before_seq={page['messages'][0]['seq']}"
        room.last, room.is_amid = head, False
        self._retry_held(room)
        self._sync(room)
