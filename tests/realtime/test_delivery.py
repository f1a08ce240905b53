"""What is said arrives everywhere, in one order, whole, and once."""

from __future__ import annotations

from tests.factories import make_team_room, make_user
from tests.realtime.chat_client import Room
from tests.realtime.conftest import Connect
from tests.realtime.processes import House


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
