"""Clients that send nonsense or too much, read nothing, open too many sockets: a clear end, and nobody else waits."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from tests.factories import make_team_room, make_user
from tests.realtime.chat_client import ChatClient, Refused
from tests.realtime.conftest import Connect
from tests.realtime.processes import API, House, Web, say_many
from tests.realtime.raw_client import BINARY, CLOSE, TEXT, RawClient

SOCKET = f"{API}/chats/ws"


@pytest.mark.parametrize(
    "frame",
    [
        "no json",
        "",
        "[]",
        "null",
        "{}",
        '{"id": 1}',
        '{"type": "ping"}',
        '{"id": 1, "type": "shout"}',
        '{"id": 1, "type": ["ping"]}',
        '{"id": 1, "type": null}',
        '{"id": true, "type": "ping"}',
        '{"id": 1.5, "type": "ping"}',
        '{"id": null, "type": "ping"}',
        '{"id": {}, "type": "ping"}',
        '{"id": 1e400, "type": "ping"}',
        '{"id": 123456789012345678901234567890, "type": "ping"}',
        '{"id": "' + "x" * 65 + '", "type": "ping"}',
        '{"id": 1, "type": "ping"',
        '{"id": 1, "type": "send", "content": "\\ud800"}',
        "[" * 20_000,
    ],
)
def test_what_is_no_command_closes_4400(house: House, connected: Connect, frame: str) -> None:
    client = connected(house.webs[0], house.do(make_user))
    client.raw(frame)
    assert client.ended() == (4400, "bad command")


def test_wrong_fields_are_answered_and_the_socket_goes_on(house: House, connected: Connect) -> None:
    alice, stranger = house.do(make_user), house.do(make_user)
    room_id, foreign = house.do(make_team_room, alice), house.do(make_team_room, stranger)
    client = connected(house.webs[0], alice)
    refused: list[tuple[str, str, dict[str, Any]]] = [
        ("validation_failed", "send", {"room_id": room_id}),
        ("validation_failed", "send", {"room_id": room_id, "content": ""}),
        ("validation_failed", "send", {"room_id": room_id, "content": 5}),
        ("validation_failed", "send", {"room_id": room_id, "content": "x" * 5001}),
        ("validation_failed", "send", {"room_id": room_id, "content": "hi", "client_message_id": "1"}),
        ("validation_failed", "send", {"room_id": room_id, "content": "hi", "message_type": "system"}),
        ("validation_failed", "send", {"room_id": room_id, "content": "hi", "sender_id": "somebody"}),
        ("validation_failed", "send", {"room_id": "here", "content": "hi"}),
        ("validation_failed", "read", {"room_id": room_id, "seq": -1}),
        ("validation_failed", "read", {"room_id": room_id, "seq": "1"}),
        ("validation_failed", "sync", {"cursors": {"here": 1}}),
        ("validation_failed", "sync", {"cursors": {room_id: 2**53}}),
        ("validation_failed", "sync", {"cursors": {str(uuid4()): 0 for _ in range(1_001)}}),
        ("validation_failed", "ping", {"surplus": 1}),
        ("validation_failed", "auth", {"token": 1}),
        ("token_invalid", "auth", {"token": "\x00"}),
        ("room_not_found", "send", {"room_id": foreign, "content": "hi"}),
        ("room_not_found", "send", {"room_id": uuid4(), "content": "hi"}),
        ("room_not_found", "read", {"room_id": foreign, "seq": 1}),
        ("room_not_found", "typing", {"room_id": foreign}),
        ("message_not_found", "send", {"room_id": room_id, "content": "hi", "thread_id": uuid4()}),
        ("message_not_found", "send", {"room_id": room_id, "content": "hi", "reply_to_id": uuid4()}),
    ]
    for code, command, fields in refused:
        with pytest.raises(Refused) as answered:
            client.command(command, **fields)
        assert (code, set(answered.value.error)) == (answered.value.error["code"], {"code", "message", "details"})
    assert client.command("sync", cursors={foreign: 0, uuid4(): 5})["rooms"].popitem()[1] == {"gone": True}
    head = client.send(room_id, "still here")["seq"]
    assert client.has(room_id, head).said == ["still here"]


def test_ids_of_commands_are_echoed_as_they_were(house: House) -> None:
    with RawClient(house.webs[0].port, f"{SOCKET}?token={house.do(make_user).token}") as client:
        client.receive()
        for command_id in (0, -(2**53), 2**53, "", "한글", "x" * 64):
            client.send(TEXT, json.dumps({"id": command_id, "type": "ping"}).encode())
            echoed = json.dumps(command_id, ensure_ascii=False)
            assert client.receive() == (TEXT, f'{{"id":{echoed},"ok":true,"data":{{}}}}'.encode())


@pytest.mark.parametrize(
    ("opcode", "payload", "code"),
    [(TEXT, b"x" * (1 << 20), 1009), (TEXT, b"\xff", 1007), (BINARY, b"{}", 1003)],
    ids=["a mebibyte", "not UTF-8", "binary"],
)
def test_frames_that_no_client_may_send(house: House, opcode: int, payload: bytes, code: int) -> None:
    with RawClient(house.webs[0].port, f"{SOCKET}?token={house.do(make_user).token}") as client:
        client.receive()
        client.send(opcode, payload)
        *_, farewell = client.rest()
        assert (farewell.opcode, farewell.code) == (CLOSE, code)


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://[", "http://127.0.0.1:1"])
def test_a_foreign_origin_is_not_served(house: House, origin: str) -> None:
    alice = house.do(make_user)
    headers = {"Origin": origin}
    address = f"ws://127.0.0.1:{house.webs[0].port}{SOCKET}?token={alice.token}"
    with pytest.raises(InvalidStatus) as refused, connect(address, additional_headers=headers):
        pass
    assert refused.value.response.status_code == 403


def test_the_own_origin_is_served(house: House) -> None:
    alice, port = house.do(make_user), house.webs[0].port
    address = f"ws://127.0.0.1:{port}{SOCKET}?token={alice.token}"
    with connect(address, additional_headers={"Origin": f"http://127.0.0.1:{port}"}) as socket:
        assert '"hello"' in str(socket.recv(10))


def test_the_eleventh_socket_closes_the_oldest(house: House, connected: Connect) -> None:
    alice = house.do(make_user)
    clients = [connected(house.webs[number % 2], alice) for number in range(10)]
    eleventh = connected(house.webs[0], alice)
    assert clients[0].ended()[0] == 4409
    for client in (*clients[1:], eleventh):
        assert client.command("ping") == {}
    assert [client.closed for client in clients[1:]] == [None] * 9


@pytest.fixture(scope="module")
def limited(running_house: House) -> Iterator[Web]:
    """A web process that counts."""
    log = running_house.folder / "limited.log"
    web = Web({**running_house.environment, "RATE_LIMIT_FACTOR": "1"}, log).wait()
    yield web
    web.child.kill()


def test_a_flood_of_frames_closes_4429(house: House, limited: Web, connected: Connect) -> None:
    client = connected(limited, house.do(make_user))
    answers = [client.begin("ping") for _ in range(140)]
    assert client.ended()[0] == 4429
    answered = sum(answer.exception(5) is None for answer in answers)
    assert 120 <= answered <= 125


def test_sends_beyond_the_budget_are_told_how_long_to_wait(house: House, limited: Web, connected: Connect) -> None:
    alice = house.do(make_user)
    room_id = house.do(make_team_room, alice)
    client = connected(limited, alice)
    answers = [client.begin("send", room_id=room_id, content=f"{number}") for number in range(70)]
    errors = [error for answer in answers if (error := answer.exception(15)) is not None]
    assert 3 <= len(errors) <= 10
    assert {error.error["code"] for error in errors if isinstance(error, Refused)} == {"rate_limited"}
    assert all(isinstance(error, Refused) and 0 < error.error["retry_after_ms"] <= 60_000 for error in errors)
    assert client.closed is None
    assert client.room(room_id).said == [f"{number}" for number in range(70 - len(errors))]


def test_a_stalled_redis_delays_no_limited_answer_for_long(house: House, limited: Web, connected: Connect) -> None:
    alice = house.do(make_user)
    room_id = house.do(make_team_room, alice)
    client = connected(limited, alice)
    client.send(room_id, "before")
    house.freeze_valkey()
    waits = []
    for number in range(20):
        asked = time.monotonic()
        client.send(room_id, f"{number}")
        waits.append(time.monotonic() - asked)
    assert max(waits) < 3
    assert sorted(waits)[-3] < 0.5, waits


def test_a_slow_reader_is_closed_4008_delays_nobody_and_is_whole_afterwards(house: House, connected: Connect) -> None:
    alice, bob, slow = house.do(make_user), house.do(make_user), house.do(make_user)
    room_id = house.do(make_team_room, alice, bob, slow)
    brisk = connected(house.webs[0], bob)
    said = [f"{number:03}" + "가" * 4_990 for number in range(500)]
    with RawClient(house.webs[0].port, f"{SOCKET}?token={slow.token}", window=8_192) as stuck:
        head = house.do(say_many, alice, room_id, said)
        assert brisk.has(room_id, head).said == said
        frames = stuck.rest()
    seen = [json.loads(frame.payload) for frame in frames if frame.opcode == TEXT]
    assert frames[-1].code == 4008 or len(frames) < len(said)
    numbers = [frame["seq"] for frame in seen if frame["type"] == "message"]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    assert len(numbers) < len(said)
    with ChatClient(house.webs[0], slow) as again:
        again.greeted()
        assert again.has(room_id, head).said == said


def test_a_client_that_never_reads_its_answers_delays_nobody(house: House, connected: Connect) -> None:
    alice, greedy = house.do(make_user), house.do(make_user)
    room_id = house.do(make_team_room, alice, greedy)
    house.do(say_many, alice, room_id, ["가" * 5_000 for _ in range(60)])
    brisk = connected(house.webs[0], alice)
    with RawClient(house.webs[0].port, f"{SOCKET}?token={greedy.token}", window=8_192) as client:
        for number in range(20):
            client.send(TEXT, json.dumps({"id": number, "type": "sync", "cursors": {str(room_id): 0}}).encode())
        waits = []
        for number in range(20):
            asked = time.monotonic()
            head = brisk.send(room_id, f"{number}")["seq"]
            brisk.has(room_id, head)
            waits.append(time.monotonic() - asked)
        assert max(waits) < 2
