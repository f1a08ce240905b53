"""What is said arrives everywhere, in one order, whole, and once."""

from __future__ import annotations

import json
import random
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.factories import TestUser, make_team_room, make_user
from tests.realtime.chat_client import Room
from tests.realtime.conftest import Connect
from tests.realtime.processes import API, Answer, House, say_many


def assert_whole(room: Room, said: list[str]) -> None:
    assert room.said == said
    numbers = [frame["seq"] for frame in room.live]
    assert numbers == sorted(set(numbers)), "a number came twice or out of order"


def test_the_same_order_on_both_processes(house: House, connected: Connect) -> None:
    alice, bob = house.do(make_user), house.do(make_user)
    room_id = house.do(make_team_room, alice, bob)
    first, second = connected(house.webs[0], alice), connected(house.webs[1], bob)
    asked = [
        client.begin("send", room_id=room_id, content=f"{name} {number}")
        for number in range(40)
        for name, client in (("a", first), ("b", second))
    ]
    head = max(answer.result(15)["message"]["seq"] for answer in asked)
    rooms = [client.has(room_id, head) for client in (first, second)]
    assert rooms[0].said == rooms[1].said
    assert sorted(rooms[0].said) == sorted(f"{name} {number}" for name in "ab" for number in range(40))
    for room in rooms:
        assert_whole(room, rooms[0].said)
        assert [word.split()[1] for word in room.said if word.startswith("a")] == [str(n) for n in range(40)]


def test_three_hundred_missed_changes_are_recovered_and_one_more_is_not(house: House, connected: Connect) -> None:
    alice, bob = house.do(make_user), house.do(make_user)
    room_id = house.do(make_team_room, alice, bob)
    client = connected(house.webs[0], bob)
    before = client.room(room_id).last
    client.close()
    said = [f"{number}" for number in range(301)]
    head = house.do(say_many, alice, room_id, said)
    client.open(house.webs[1])
    assert_whole(client.greeted().has(room_id, head), said)
    assert client.room(room_id).reloads == 1
    found = [
        client.command("sync", cursors={room_id: cursor})["rooms"][str(room_id)] for cursor in (before, before + 1)
    ]
    assert [(each["recovered"], len(each["changes"])) for each in found] == [(False, 0), (True, 300)]
    assert {(each["head_seq"], each["through_seq"]) for each in found} == {(head, head)}
    pages = walk_changes(house, bob, room_id, before, limit=300)
    assert [event["data"]["message"]["content"] for event in pages] == said


def walk_changes(house: House, user: TestUser, room_id: UUID, after: int, limit: int) -> list[Any]:
    """All events of `changes`, page by page, checked to be a chain."""
    found: list[Any] = []
    while True:
        page = house.webs[0].call(user, "GET", f"/chats/rooms/{room_id}/changes?after={after}&limit={limit}")
        assert page["recovered"]
        for event in page["changes"]:
            assert event["after"] == after < event["seq"]
            after = event["seq"]
        found += page["changes"]
        assert page["through_seq"] == after
        if after == page["head_seq"]:
            return found


@pytest.mark.parametrize("rounds", [150, pytest.param(1000, marks=pytest.mark.slow)])
def test_a_sync_that_races_a_send_loses_nothing_and_doubles_nothing(
    house: House, connected: Connect, rounds: int
) -> None:
    alice, bob = house.do(make_user), house.do(make_user)
    room_id = house.do(make_team_room, alice, bob)
    speaker, listener = connected(house.webs[0], alice), connected(house.webs[1], bob)
    for number in range(rounds):
        sent = speaker.begin("send", room_id=room_id, content=f"{number}")
        room = listener.room(room_id)
        found = listener.command("sync", cursors={room_id: room.last})["rooms"][str(room_id)]
        listener.take_changes(room_id, found)
        head = sent.result(15)["message"]["seq"]
    said = [f"{number}" for number in range(rounds)]
    assert_whole(listener.has(room_id, head), said)
    assert_whole(speaker.has(room_id, head), said)


def test_connecting_while_others_speak_loses_nothing(house: House, connected: Connect) -> None:
    alice, bob = house.do(make_user), house.do(make_user)
    room_id = house.do(make_team_room, alice, bob)
    speaker, listener = connected(house.webs[0], alice), connected(house.webs[1], bob)
    sent = []
    for number in range(30):
        listener.cut()
        sent += [speaker.begin("send", room_id=room_id, content=f"{number}.{part}") for part in range(5)]
        listener.open(house.webs[number % 2])
    head = sent[-1].result(15)["message"]["seq"]
    said = [f"{number}.{part}" for number in range(30) for part in range(5)]
    assert listener.has(room_id, head).said == said
    assert speaker.has(room_id, head).said == said


def test_a_row_that_changes_between_two_pages_is_told_as_it_is_now(house: House) -> None:
    alice, bob = house.do(make_user), house.do(make_user)
    room_id = house.do(make_team_room, alice, bob)
    web, path = house.webs[0], f"/chats/rooms/{room_id}"
    head = web.call(bob, "GET", path)["head_seq"]
    first, second, *_ = [web.send(alice, room_id, f"{number}") for number in range(6)]
    page = web.call(bob, "GET", f"{path}/changes?after={head}&limit=2")
    assert [event["data"]["message"]["content"] for event in page["changes"]] == ["0", "1"]
    web.call(alice, "PATCH", f"{path}/messages/{first['message_id']}", {"content": "reworded"})
    web.call(alice, "DELETE", f"{path}/messages/{second['message_id']}")
    rest = walk_changes(house, bob, room_id, page["through_seq"], limit=2)
    told = [(event["type"], event["data"]["message"]["content"]) for event in rest]
    assert told == [
        *[("message", f"{number}") for number in range(2, 6)],
        ("message_updated", "reworded"),
        ("message_deleted", ""),
    ]


def test_what_was_deleted_meanwhile_is_replayed_as_a_tombstone(house: House, connected: Connect) -> None:
    alice, bob = house.do(make_user), house.do(make_user)
    room_id = house.do(make_team_room, alice, bob)
    client = connected(house.webs[1], bob)
    known = house.webs[0].send(alice, room_id, "known before")
    client.has(room_id, known["seq"])
    client.close()
    unknown = house.webs[0].send(alice, room_id, "never seen")
    for message in (known, unknown):
        house.webs[0].call(alice, "DELETE", f"/chats/rooms/{room_id}/messages/{message['message_id']}")
    client.open()
    room = client.greeted().has(room_id, unknown["seq"] + 2)
    assert [(row["content"], row["is_deleted"]) for row in room.messages[-2:]] == [("", True), ("", True)]
    assert room.messages[-1]["seq"] == unknown["seq"]


def test_one_client_message_id_from_twenty_threads_is_one_message(house: House) -> None:
    alice, strangers = house.do(make_user), [house.do(make_user) for _ in range(4)]
    room_id = house.do(make_team_room, alice, *strangers)
    head = house.webs[0].call(alice, "GET", f"/chats/rooms/{room_id}")["head_seq"]
    repeated = {"content": "once", "client_message_id": str(uuid4())}
    path = f"{API}/chats/rooms/{room_id}/messages"

    def ask(number: int) -> Answer:
        web = house.webs[number % 2]
        if number < 20:
            return web.ask("POST", path, alice.token, repeated)
        return web.ask("POST", path, strangers[number % 4].token, {"content": f"stranger {number}"})

    with ThreadPoolExecutor(83) as threads:
        answers = list(threads.map(ask, random.sample(range(83), 83)))
    same = [answer for answer in answers if answer.body["message"]["content"] == "once"]
    assert sorted(answer.status for answer in same) == [200] * 19 + [201]
    assert all(answer.body == same[0].body for answer in same)
    events = walk_changes(house, alice, room_id, head, limit=300)
    assert [event["seq"] for event in events] == list(range(head + 1, head + 65))
    assert len({event["data"]["message"]["message_id"] for event in events}) == 64


def test_another_text_under_the_same_id_is_a_conflict(house: House) -> None:
    alice = house.do(make_user)
    room_id = house.do(make_team_room, alice)
    path, key = f"{API}/chats/rooms/{room_id}/messages", str(uuid4())

    def ask(number: int) -> Answer:
        text = "one" if number % 2 else "other"
        return house.webs[number // 2 % 2].ask("POST", path, alice.token, {"content": text, "client_message_id": key})

    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(ask, range(8)))
    assert sorted(answer.status for answer in answers) == [200] * 3 + [201] + [409] * 4
    assert {answer.body["error"]["code"] for answer in answers if answer.status == 409} == {"duplicate_conflict"}


def test_an_answer_to_sync_keeps_to_a_mebibyte_and_the_rest_follows(house: House, connected: Connect) -> None:
    alice, bob = house.do(make_user), house.do(make_user)
    room_id = house.do(make_team_room, alice, bob)
    client = connected(house.webs[0], bob)
    before = client.room(room_id).last
    client.close()
    said = [f"{number:03}" + "가" * 4990 for number in range(100)]
    head = house.do(say_many, alice, room_id, said)
    client.open()
    assert_whole(client.greeted().has(room_id, head), said)
    assert client.room(room_id).reloads == 0
    answer = client.command("sync", cursors={room_id: before})
    part = answer["rooms"][str(room_id)]
    assert answer["more"] == [str(room_id)]
    assert before < part["changes"][-1]["seq"] == part["through_seq"] < part["head_seq"] == head
    assert len(json.dumps(answer, ensure_ascii=False).encode()) < 1.1 * (1 << 20)
