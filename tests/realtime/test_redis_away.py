"""Redis may go away at any time and in any way: events are late then, and nothing is lost."""

from __future__ import annotations

import time
from uuid import UUID

import pytest

from tests.factories import TestUser, make_team_room, make_user
from tests.realtime.chat_client import ChatClient
from tests.realtime.conftest import Connect
from tests.realtime.processes import API, House, eventually, flush_redis
from tests.realtime.test_delivery import assert_whole

# Events come by the heads check, which looks every one to three seconds.
LATE_SECONDS = 12
# What a call to Redis may take is bounded by two seconds; an answer must not show it.
PROMPT_SECONDS = 1.5


class Talk:
    """Two people on two processes, one of whom speaks."""

    def __init__(self, house: House, connected: Connect) -> None:
        self.house = house
        self.alice, self.bob = house.do(make_user), house.do(make_user)
        self.room_id: UUID = house.do(make_team_room, self.alice, self.bob)
        self.speaker, self.listener = connected(house.webs[0], self.alice), connected(house.webs[1], self.bob)
        self.said: list[str] = []
        self.head = 0

    def say(self) -> float:
        """Say one more thing by socket and one by HTTP; the longer of the two waits."""
        waits = []
        for send in (self._by_socket, self._by_http):
            self.said.append(f"{len(self.said)}")
            asked = time.monotonic()
            self.head = send(self.said[-1])
            waits.append(time.monotonic() - asked)
        return max(waits)

    def _by_socket(self, content: str) -> int:
        return int(self.speaker.send(self.room_id, content)["seq"])

    def _by_http(self, content: str) -> int:
        return int(self.house.webs[0].send(self.alice, self.room_id, content)["seq"])

    def read(self) -> None:
        """Read by socket what there is."""
        assert self.listener.command("read", room_id=self.room_id, seq=self.head)["last_read_seq"] == self.head

    def all_arrived(self, seconds: float = LATE_SECONDS) -> None:
        """Both have everything, in order, once."""
        for client in (self.speaker, self.listener):
            assert_whole(client.has(self.room_id, self.head, seconds), self.said)


@pytest.fixture
def talk(house: House, connected: Connect) -> Talk:
    talk = Talk(house, connected)
    talk.say()
    talk.all_arrived()
    return talk


def ask_ticket(house: House, user: TestUser) -> int:
    return house.webs[0].ask("POST", f"{API}/chats/ws-ticket", user.token, {}).status


def talk_through_an_outage(house: House, talk: Talk, seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        assert talk.say() < PROMPT_SECONDS
        talk.read()
        time.sleep(0.25)  # an outage lasts; there is nothing to wait for
    talk.all_arrived()


@pytest.mark.parametrize("seconds", [6, pytest.param(30, marks=pytest.mark.slow)])
def test_a_stopped_redis_delays_events_and_loses_none(house: House, talk: Talk, seconds: float) -> None:
    house.valkey.stop()
    talk_through_an_outage(house, talk, seconds)
    assert ask_ticket(house, talk.bob) == 503
    with ChatClient(house.webs[0], talk.bob, query="ticket=given-out-before") as client:
        assert client.ended() == (1013, "unavailable")
    with ChatClient(house.webs[0], talk.bob) as newcomer:
        assert_whole(newcomer.greeted().has(talk.room_id, talk.head), talk.said)
        talk.say()
        newcomer.has(talk.room_id, talk.head, LATE_SECONDS)
    house.start_valkey()
    eventually(lambda: ask_ticket(house, talk.bob) == 200)
    talk.say()
    talk.all_arrived()
    assert talk.listener.resyncs == 0


def test_a_killed_redis_that_comes_back_leaves_no_gap(house: House, talk: Talk) -> None:
    house.valkey.child.kill()
    talk.say()
    house.start_valkey()
    for _ in range(10):
        talk.say()
    talk.all_arrived()


def test_a_stalled_redis_delays_no_answer(house: House, talk: Talk) -> None:
    house.freeze_valkey()
    talk_through_an_outage(house, talk, 5)
    assert ask_ticket(house, talk.bob) == 503
    house.resume_valkey()
    eventually(lambda: ask_ticket(house, talk.bob) == 200)
    talk.say()
    talk.all_arrived()


def test_events_are_prompt_again_once_redis_is_back(house: House, talk: Talk) -> None:
    house.valkey.child.kill()
    talk.say()
    house.start_valkey()

    def is_prompt() -> bool:
        talk.say()
        asked = time.monotonic()
        talk.all_arrived()
        return time.monotonic() - asked < 0.2

    assert all(eventually(is_prompt) for _ in range(5))


def test_a_flushed_redis_changes_nothing(house: House, talk: Talk) -> None:
    for _ in range(3):
        talk.say()
        house.do(flush_redis)
        talk.say()
    talk.all_arrived()
    assert talk.listener.resyncs == 0
