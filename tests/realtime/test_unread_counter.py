"""The unread counter with a real worker: exact after any burst, also when workers die in the middle of one."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from uuid import UUID

import pytest

from tests.factories import TestUser, make_team_room, make_user
from tests.realtime.chat_client import ChatClient, Json
from tests.realtime.conftest import Connect
from tests.realtime.processes import House, eventually, say_many
from webapp.core.extensions import db
from webapp.embedded.processes import Child
from webapp.repositories import cursors, rooms
from webapp.services import unread


@pytest.fixture
def worker(house: House) -> Iterator[Child]:
    """One Celery worker, ready; it stays for the next test, unless this one kills it."""
    running = [worker for worker in house.workers if worker.running]
    worker = running[0] if running else start_ready_worker(house)
    yield worker
    if worker.running:
        os.kill(worker.pid, signal.SIGCONT)


def start_ready_worker(house: House) -> Child:
    worker = house.start_worker()
    alice = house.do(make_user)
    room_id = house.do(make_team_room, alice)
    house.do(say_many, alice, room_id, ["are you there?"])
    eventually(lambda: house.do(is_at_rest, room_id), 30)
    return worker


def counted_up_to(room_id: UUID) -> int:
    """The counter's place in a room's log; for the console."""
    seq = cursors.lock(room_id, rooms.UNREAD).seq
    db.session.rollback()
    return seq


def is_at_rest(room_id: UUID) -> bool:
    """Whether the counter has come to the room's head; for the console."""
    seq, room = counted_up_to(room_id), rooms.find(room_id)
    return room is not None and seq == room.last_seq


def at_rest(house: House, room_id: UUID) -> None:
    """Wait for the counter, and show that a recount finds nothing to mend."""
    eventually(lambda: house.do(is_at_rest, room_id), 30)
    assert house.do(unread.repair, room_id) == 0


def marks(house: House, user: TestUser, room_id: UUID) -> tuple[int, int]:
    room = house.webs[0].call(user, "GET", f"/chats/rooms/{room_id}")
    return room["unread_count"], room["mention_count"]


def newest(client: ChatClient, room_id: UUID) -> Json:
    """What the client shows: of all values that it was told, those with the highest revision."""
    told: list[Json] = [frame["data"] for frame in client.of_type("unread_updated", room_id)]
    return max(told, key=lambda data: int(data["read_rev"]), default={})


def test_a_burst_is_counted_once_and_told_once(house: House, worker: Child, connected: Connect) -> None:
    people = [house.do(make_user) for _ in range(4)]
    alice, bob, *_ = people
    room_id = house.do(make_team_room, *people)
    at_rest(house, room_id)
    clients = [connected(house.webs[number % 2], user) for number, user in enumerate(people)]
    os.kill(worker.pid, signal.SIGSTOP)
    for client in clients:
        client.frames = []
    head = house.do(say_many, alice, room_id, [f"{number}" for number in range(30)])
    os.kill(worker.pid, signal.SIGCONT)
    for client in clients[1:]:
        (told,) = client.wait(lambda client=client: client.of_type("unread_updated", room_id))  # type: ignore[misc]
        assert (told["data"]["unread_count"], told["data"]["as_of_seq"]) == (30, head)
    at_rest(house, room_id)
    assert [len(client.of_type("unread_updated", room_id)) for client in clients] == [0, 1, 1, 1]
    assert [marks(house, user, room_id) for user in people] == [(0, 0), (30, 0), (30, 0), (30, 0)]
    assert house.webs[1].call(bob, "GET", "/chats/unread-count")["unread_count"] == 30


def test_reading_unreading_deleting_and_mentioning_stay_exact(house: House, worker: Child, connected: Connect) -> None:
    alice, bob = house.do(make_user), house.do(make_user, display_name="민지")
    room_id = house.do(make_team_room, alice, bob)
    web, path = house.webs[0], f"/chats/rooms/{room_id}"
    client = connected(house.webs[1], bob)
    said = [web.send(alice, room_id, f"{number}") for number in range(5)]
    mention = web.send(alice, room_id, "@민지 안녕")
    client.wait(lambda: newest(client, room_id).get("unread_count") == 6)
    assert newest(client, room_id)["mention_count"] == 1
    web.call(bob, "POST", f"{path}/read", {"seq": said[2]["seq"]})
    client.wait(lambda: newest(client, room_id)["unread_count"] == 3)
    web.call(alice, "DELETE", f"{path}/messages/{mention['message_id']}")
    client.wait(lambda: (newest(client, room_id)["unread_count"], newest(client, room_id)["mention_count"]) == (2, 0))
    web.call(alice, "DELETE", f"{path}/messages/{said[0]['message_id']}")
    assert client.command("read", room_id=room_id, seq=said[0]["seq"])["last_read_seq"] == said[2]["seq"]
    web.call(bob, "POST", f"{path}/unread", {"seq": said[1]["seq"]})
    client.wait(lambda: newest(client, room_id)["unread_count"] == 4)
    web.send(alice, room_id, "in a thread", thread_id=said[4]["message_id"])
    web.send(bob, room_id, "one's own")
    at_rest(house, room_id)
    told = newest(client, room_id)
    assert marks(house, bob, room_id) == (told["unread_count"], told["mention_count"]) == (4, 0)
    last = web.call(bob, "POST", f"{path}/read", {"seq": 2**40})
    assert (last["unread_count"], last["mention_count"]) == (0, 0)
    assert marks(house, alice, room_id) == (1, 0)


def test_a_worker_killed_in_mid_burst_leaves_no_wrong_count(house: House, worker: Child, connected: Connect) -> None:
    people = [house.do(make_user) for _ in range(5)]
    room_ids = [house.do(make_team_room, *people) for _ in range(3)]
    speaker = connected(house.webs[0], people[0])
    for _ in range(2):
        before = house.do(counted_up_to, room_ids[0])
        asked = [speaker.begin("send", room_id=room_ids[number % 3], content=f"{number}") for number in range(240)]
        eventually(lambda: house.do(counted_up_to, room_ids[0]) > before, 30)  # noqa: B023 - called at once
        worker.kill()
        assert not all(answer.done() for answer in asked), "the burst was over before the worker was killed"
        for answer in asked:
            answer.result(30)
        worker = start_ready_worker(house)
    # What was queued when a worker died is delivered again late; beat's sweep finds the rooms meanwhile.
    house.do(unread.sweep)
    for room_id in room_ids:
        at_rest(house, room_id)
        assert [marks(house, user, room_id)[0] for user in people] == [0, 160, 160, 160, 160]


def test_a_lost_task_is_made_up_for_by_the_sweep(house: House, worker: Child) -> None:
    alice, bob = house.do(make_user), house.do(make_user)
    room_id = house.do(make_team_room, alice, bob)
    house.valkey.stop()
    house.do(say_many, alice, room_id, ["not queued"])
    house.start_valkey()
    assert marks(house, bob, room_id) == (0, 0)

    def is_swept() -> bool:
        # Celery may end itself when it loses its broker; whoever runs it starts it again.
        if not any(each.running for each in house.workers):
            start_ready_worker(house)
        return house.do(unread.sweep) == 0

    eventually(is_swept, 30)
    at_rest(house, room_id)
    assert marks(house, bob, room_id) == (1, 0)
