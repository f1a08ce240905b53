"""A member's device: the client of the protocol's tests, which also comes back, tries again, and tells secrets."""

from __future__ import annotations

import random
import threading
import time
from collections import defaultdict, deque
from collections.abc import Sequence
from concurrent.futures import Future
from contextlib import suppress
from http.client import HTTPException
from typing import Any, NamedTuple

import orjson
from websockets.exceptions import WebSocketException

from tests.chaos.figures import Figures
from tests.factories import TestUser
from tests.realtime.chat_client import SYNC_AFTER_SECONDS, ChatClient, Json, Room
from tests.realtime.processes import Web

BACKOFF_SECONDS = (0.5, 5.0)
# Close codes after which a client comes back; no other may come from faults.
RECONNECT = {1001, 1005, 1006, 1011, 1012, 1013, 4008}
REACTORS_SHOWN = 50
FRAMES_KEPT = 50
STEPS_KEPT = 5_000
# What is compared at the end; the rest is dropped, for there are many devices and messages.
FIELDS = ("message_id", "seq", "changed_seq", "content", "is_deleted", "reactions", "thread_id", "message_type")
# What a request may fail with while the server is away.
AWAY = (OSError, HTTPException, WebSocketException, ValueError, AssertionError)


class Step(NamedTuple):
    """How a room's cursor moved: evidence of what went wrong where a message is missing."""

    before: int
    last: int
    after: int
    how: str
    about: str | None
    port: int
    at: float


class Device(ChatClient):
    """A socket that outlives its connections. `leaks` are other people's secrets that came over it."""

    def __init__(
        self, webs: Sequence[Web], user: TestUser, secrets: Sequence[str], figures: Figures, seed: str
    ) -> None:
        self._webs, self._figures, self._chance = webs, figures, random.Random(seed)
        self._secrets = [secret.encode() for secret in secrets]
        self.leaks: list[str] = []
        self.trail: defaultdict[str, deque[Step]] = defaultdict(lambda: deque(maxlen=STEPS_KEPT))
        self._ended = threading.Event()
        super().__init__(self._chance.choice(webs), user)
        self._keeper = threading.Thread(target=self._keep_connected, name=f"device {seed}", daemon=True)
        self._keeper.start()

    def close(self) -> None:
        """Leave for good."""
        self._ended.set()
        self._keeper.join()
        super().close()

    def is_whole(self, room_id: str, head: int) -> bool:
        """Connected, and nothing of the room is missing."""
        with self._changed:
            room = self.rooms.get(room_id)
            return self.closed is None and room is not None and room.last == head and not room.is_syncing

    # -- coming back

    def _keep_connected(self) -> None:
        cap = BACKOFF_SECONDS[0]
        while not self._ended.wait(0.05):
            if self.closed is None:
                continue
            self._note_close()
            self._ended.wait(self._chance.uniform(0, cap))
            try:
                self.open(self._chance.choice(self._webs))
            except AWAY:
                cap = min(cap * 2, BACKOFF_SECONDS[1])
            else:
                cap = BACKOFF_SECONDS[0]
                self._figures.add("reconnects")

    def _note_close(self) -> None:
        if self.closed is not None and self.closed[0] not in RECONNECT:
            self._figures.surprise(f"a socket was closed {self.closed}")

    # -- the client's rule

    def _take(self, frame: Json) -> None:
        whole = orjson.dumps(frame)
        self.leaks += [secret.decode() for secret in self._secrets if secret in whole]
        if frame.get("type") == "resync":
            self._figures.add("resyncs")
        super()._take(frame)
        del self.frames[:-FRAMES_KEPT]

    def _take_logged(self, frame: Json, *, is_live: bool = True) -> None:
        super()._take_logged(frame, is_live=False)

    def _step(self, room: Room, frame: Json) -> bool:
        before, went_on = room.last, super()._step(room, frame)
        if went_on:
            about = frame["data"].get("message", frame["data"]).get("message_id")
            how = f"{frame['type']}{' amid a sync' if room.is_syncing else ''}"
            step = Step(before, frame["seq"], frame["after"], how, about, self.web.port, time.monotonic())
            self.trail[room.room_id].append(step)
        return went_on

    def _apply(self, room: Room, frame: Json) -> None:
        if frame["type"] in {"reaction_added", "reaction_removed"}:
            row = room.rows.get(frame["data"]["message_id"])
            if row is not None and row["changed_seq"] < frame["seq"]:
                row["reactions"] = _reacted(row["reactions"], frame["data"], frame["type"] == "reaction_added")
        super()._apply(room, frame)

    def _apply_row(self, room: Room, message: Json) -> None:
        super()._apply_row(room, {name: message[name] for name in FIELDS})

    def _synced(self, room: Room, answer: Future[Json]) -> None:
        """A catch-up that failed is tried again."""
        self._figures.add("catch-ups of clients")
        with self._changed:
            failed = answer.exception() is not None
            try:
                super()._synced(room, answer)
            except AWAY:
                failed = True
            if failed and self.rooms.get(room.room_id) is room:
                self._due[room.room_id] = time.monotonic() + SYNC_AFTER_SECONDS

    def _reload(self, room: Room) -> None:
        self._figures.add("reloads of a room")
        super()._reload(room)


def _reacted(reactions: dict[str, Any], told: Json, is_added: bool) -> dict[str, Any]:
    """A message's reactions after one came or went."""
    emoji, member_id = told["emoji"], told["member_id"]
    others = {key: value for key, value in reactions.items() if key != emoji}
    if told["count"] == 0:
        return others
    members = [each for each in reactions.get(emoji, {"member_ids": []})["member_ids"] if each != member_id]
    if is_added:
        members = [*members, member_id][:REACTORS_SHOWN]
    return others | {emoji: {"count": told["count"], "member_ids": members}}


def close_all(devices: Sequence[Device]) -> None:
    """All leave."""
    for device in devices:
        with suppress(*AWAY):
            device.close()
