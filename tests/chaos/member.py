"""A member who talks, edits, deletes, reacts, reads, leaves and comes back, and never gives a send up."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from tests.chaos.device import AWAY, Device
from tests.chaos.figures import Figures
from tests.chaos.ledger import Chosen, Ledger, Said
from tests.chaos.world import Place, World
from tests.factories import TestUser
from tests.realtime.chat_client import Json, Refused
from tests.realtime.processes import API, Answer, Web

EMOJI = ("👍", "🎉", "❤️")
BY_HTTP = 0.3
RETRY_SECONDS = (0.1, 1.0)
ANSWER_SECONDS = 8.0
# Said of a request that failed in a way which a later try mends.
AGAIN = frozenset({"unavailable", "internal"})


class Member:
    """One account's person at one device, acting in a thread. `pause` is the mean time between two acts."""

    def __init__(
        self, world: World, user: TestUser, webs: Sequence[Web], figures: Figures, *, seed: str, pause: float
    ) -> None:
        self.name, self.user = seed, user
        self.device = Device(webs, user, world.secrets_kept_from(user), figures, seed)
        self.places = [place for place in world.places if user in place.people]
        self.ledger = Ledger()
        self._webs, self._figures, self._pause = webs, figures, pause
        self._chance = random.Random(seed)
        self._resting = threading.Event()
        self._gives_up_at = float("inf")
        self._thread = threading.Thread(target=self._live, name=f"member {seed}", daemon=True)

    def start(self) -> None:
        """Begin to act."""
        self._thread.start()

    def rest(self, seconds: float) -> None:
        """Begin nothing new; what is begun has so long to come to its end."""
        self._gives_up_at = time.monotonic() + seconds
        self._resting.set()

    @property
    def is_busy(self) -> bool:
        return self._thread.is_alive()

    def _live(self) -> None:
        acts = {
            self._say: 50,
            self._reply: 6,
            self._edit: 9,
            self._delete: 4,
            self._react: 12,
            self._read: 14,
            self._read_thread: 3,
            self._leave_and_return: 1,
        }
        while not self._resting.wait(self._chance.expovariate(1 / self._pause)):
            place = self._chance.choice(self.places)
            self._chance.choices(list(acts), list(acts.values()))[0](place)
        for place in self.places:
            if place.may_be_left_by(self.user):
                self._return(place)

    # -- saying

    def _say(self, place: Place) -> None:
        self._bring(place, Said(place.room_id, self._new_content()))

    def _reply(self, place: Place) -> None:
        root = self._some_row(place)
        if root is not None and root["thread_id"] is None:
            # The root's, since the reply is counted on it.
            self.ledger.spend(place.room_id, 1)
            self._bring(place, Said(place.room_id, self._new_content(), thread_id=root["message_id"]))

    def _new_content(self) -> str:
        return f"{self.name} says {len(self.ledger.said)}"

    def _bring(self, place: Place, said: Said) -> None:
        """Ask, with the same id each time, until there is an answer."""
        self.ledger.said.append(said)
        self._figures.add("sends begun")
        began = time.monotonic()
        while time.monotonic() < self._gives_up_at:
            answered = self._ask_to_send(said)
            if isinstance(answered, dict):
                said.message_id, said.seq = answered["message_id"], answered["seq"]
                self._figures.acknowledged(began)
                return
            if answered == "room_not_found" and place.may_be_left_by(self.user):
                self._return(place)
            elif answered == "message_deleted" and said.thread_id:
                said.refusal = answered
                return
            elif answered is not None and answered not in AGAIN:
                self._figures.surprise(f"a send was refused: {answered}")
                said.refusal = answered
                return
            self._figures.add("sends tried again")
            self._wait()

    def _ask_to_send(self, said: Said) -> Json | str | None:
        """The message, the code of a refusal, or None when nobody knows."""
        body: dict[str, Any] = {"content": said.content, "client_message_id": said.client_message_id}
        if said.thread_id is not None:
            body["thread_id"] = said.thread_id
        if self._chance.random() < BY_HTTP:
            answer = self._ask("POST", f"/chats/rooms/{said.room_id}/messages", body)
            if answer is None:
                return None
            return answer.body["message"] if answer.status < 300 else answer.body["error"]["code"]  # type: ignore[no-any-return]
        try:
            answered = self.device.command("send", seconds=ANSWER_SECONDS, room_id=said.room_id, **body)
        except Refused as refused:
            if refused.error["code"] == "internal":
                self._figures.surprise("a command was answered: internal")
            return str(refused.error["code"])
        except AWAY:
            return None
        message: Json = answered["message"]
        return message

    # -- changing

    def _edit(self, place: Place) -> None:
        said = self._some_said(place)
        if said is None:
            return
        content = f"{said.content} edited {self._chance.randrange(10**9)}"
        self.ledger.spend(place.room_id, 1)
        answer = self._ask("PATCH", f"{self._path(place)}/messages/{said.message_id}", {"content": content})
        if answer is None:
            said.maybe_contents.add(content)
        elif answer.status == 200:
            said.last_content = content

    def _delete(self, place: Place) -> None:
        said = self._some_said(place)
        if said is None:
            return
        self.ledger.spend(place.room_id, 2)
        answer = self._ask("DELETE", f"{self._path(place)}/messages/{said.message_id}")
        if answer is None:
            said.maybe_deleted = True
        elif answer.status == 200:
            said.is_deleted = True

    def _react(self, place: Place) -> None:
        row = self._some_row(place)
        if row is None:
            return
        emoji = self._chance.choice(EMOJI)
        chosen = self.ledger.chosen.setdefault((place.room_id, row["message_id"], emoji), Chosen())
        wanted = not chosen.is_there
        self.ledger.spend(place.room_id, 1)
        path = f"{self._path(place)}/messages/{row['message_id']}/reactions/{quote(emoji)}"
        answer = self._ask("PUT" if wanted else "DELETE", path)
        if answer is None:
            chosen.maybe.add(wanted)
        elif answer.status == 200:
            chosen.is_there = wanted

    # -- reading

    def _read(self, place: Place) -> None:
        room = self.device.rooms.get(str(place.room_id))
        if room is None:
            return
        try:
            self.device.command("read", seconds=ANSWER_SECONDS, room_id=place.room_id, seq=room.last)
        except Refused as refused:
            self._expect(refused.error["code"], "read")
        except AWAY:
            return

    def _read_thread(self, place: Place) -> None:
        room = self.device.rooms.get(str(place.room_id))
        row = self._some_row(place)
        if room is not None and row is not None and row["thread_id"] is None:
            self._ask("POST", f"{self._path(place)}/messages/{row['message_id']}/thread/read", {"seq": room.last})

    # -- leaving and coming back

    def _leave_and_return(self, place: Place) -> None:
        if place.may_be_left_by(self.user):
            self.ledger.spend(place.room_id, 2)
            self._ask("POST", f"{self._path(place)}/leave")
            self._return(place)

    def _return(self, place: Place) -> None:
        """Join until it is answered; a present member joins without effect."""
        while time.monotonic() < self._gives_up_at:
            self.ledger.spend(place.room_id, 2)
            answer = self._ask("POST", f"{self._path(place)}/join")
            if answer is not None and answer.status == 200:
                return
            self._wait()

    # -- asking

    def _ask(self, method: str, path: str, body: object = None) -> Answer | None:
        """An answer that tells what happened, or None."""
        try:
            answer = self._chance.choice(self._webs).ask(method, API + path, self.user.token, body)
        except AWAY:
            return None
        if answer.status < 500:
            if answer.status >= 300:
                self._expect(answer.body["error"]["code"], method)
            return answer
        if answer.status == 500:
            self._figures.surprise(f"{method} was answered with a 500")
        return None

    def _expect(self, code: str, what: str) -> None:
        # An earlier try of one's own, or somebody else, may have come first.
        if code not in AGAIN | {"room_not_found", "message_deleted", "message_not_found"}:
            self._figures.surprise(f"{what} was refused: {code}")

    def _wait(self) -> None:
        time.sleep(self._chance.uniform(*RETRY_SECONDS))

    def _path(self, place: Place) -> str:
        return f"/chats/rooms/{place.room_id}"

    def _some_row(self, place: Place) -> Json | None:
        """A message of the room that somebody has said lately, as far as this device knows."""
        room = self.device.rooms.get(str(place.room_id))
        rows = list(room.rows.values())[-60:] if room is not None else []
        alive = [row for row in rows if not row["is_deleted"] and row["message_type"] != "system"]
        return self._chance.choice(alive) if alive else None

    def _some_said(self, place: Place) -> Said | None:
        lately = [
            said
            for said in self.ledger.said[-40:]
            if said.room_id == place.room_id and said.message_id and not said.is_deleted and not said.maybe_deleted
        ]
        return self._chance.choice(lately) if lately else None
