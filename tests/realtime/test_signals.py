"""What passes in a room without being logged: typing, reads, presence; and a blind room, where nobody has a name."""

from __future__ import annotations

import json
import time

from tests.factories import TestUser, make_matching_room, make_team_room, make_user
from tests.realtime.chat_client import ChatClient
from tests.realtime.conftest import Connect
from tests.realtime.processes import House, eventually
from webapp.services import read_state


def test_typing_is_passed_on_at_most_every_three_seconds(house: House, connected: Connect) -> None:
    alice, bob = house.do(make_user), house.do(make_user)
    room_id = house.do(make_team_room, alice, bob)
    first, second = connected(house.webs[0], alice), connected(house.webs[1], bob)
    for _ in range(5):
        assert first.command("typing", room_id=room_id) == {}
    (typing,) = second.wait(lambda: second.of_type("typing", room_id))
    assert typing["data"] == {"member_id": first.room(room_id).member_id}
    second.has(room_id, first.send(room_id, "done")["seq"])
    assert len(second.of_type("typing")) == 1


def test_reads_are_told_among_those_who_show_theirs(house: House, connected: Connect) -> None:
    alice, bob, carol = (house.do(make_user, shows_receipts=shows) for shows in (True, True, False))
    room_id = house.do(make_team_room, alice, bob, carol)
    shown, open_, hidden = (connected(house.webs[n % 2], user) for n, user in enumerate((alice, bob, carol)))
    head = shown.send(room_id, "read me")["seq"]
    for client in (open_, hidden):
        client.has(room_id, head)
        client.command("read", room_id=room_id, seq=head)
    updates = shown.wait(lambda: shown.of_type("read_updated", room_id))
    told = shown.send(room_id, "and this")["seq"]
    for client in (shown, open_, hidden):
        client.has(room_id, told)
    assert [each["data"] for each in updates] == [
        {"member_id": open_.room(room_id).member_id, "last_read_seq": head, "marks": None}
    ]
    assert len(shown.of_type("read_updated")) == len(open_.of_type("read_updated")) == 1
    assert hidden.of_type("read_updated") == []


def test_switching_receipts_off_is_heard_by_open_sockets(house: House, connected: Connect) -> None:
    alice, bob = house.do(make_user), house.do(make_user)
    room_id = house.do(make_team_room, alice, bob)
    watcher, reader = connected(house.webs[0], alice), connected(house.webs[1], bob)
    house.webs[1].call(alice, "PATCH", "/me/settings", {"shows_receipts": False})

    def is_told() -> bool:
        heard = len(watcher.of_type("read_updated"))
        head = watcher.send(room_id, "read me")["seq"]
        reader.has(room_id, head)
        reader.command("read", room_id=room_id, seq=head)
        watcher.has(room_id, watcher.send(room_id, "so far")["seq"])
        return len(watcher.of_type("read_updated")) > heard

    assert eventually(lambda: not is_told())
    assert not is_told()


def test_presence_comes_with_the_first_socket_and_goes_with_the_last(house: House, connected: Connect) -> None:
    alice, bob, hidden = house.do(make_user), house.do(make_user), house.do(make_user, shows_presence=False)
    room_id = house.do(make_team_room, alice, bob, hidden)
    watcher = connected(house.webs[0], alice)
    with ChatClient(house.webs[0], hidden) as quiet:
        quiet.greeted()
        sockets = [ChatClient(web, bob).greeted() for web in house.webs]
        member_id = sockets[0].room(room_id).member_id

        def changes() -> list[bool]:
            told = [frame["data"] for frame in watcher.of_type("presence_changed", room_id)]
            assert quiet.room(room_id).member_id not in {data["member_id"] for data in told}
            return [data["is_online"] for data in told if data["member_id"] == member_id]

        watcher.wait(lambda: changes() == [True])
        for socket in sockets:
            socket.close()
        watcher.wait(lambda: changes() == [True, False])


def test_a_reload_is_no_absence(house: House, connected: Connect) -> None:
    alice, bob = house.do(make_user), house.do(make_user)
    house.do(make_team_room, alice, bob)
    watcher = connected(house.webs[0], alice)
    client = connected(house.webs[1], bob)
    member_id = next(iter(client.rooms.values())).member_id
    watcher.wait(lambda: watcher.of_type("presence_changed"))
    client.close()
    client.open()
    closed = time.monotonic()
    # Someone else who really goes, later: what would have been told of bob was told by then.
    with ChatClient(house.webs[1], house.do(make_user)) as other:
        room_id = house.do(make_team_room, alice, other.user)
        other.wait(lambda: str(room_id) in other.rooms)
        other_id = other.room(room_id).member_id
    gone = {"member_id": other_id, "is_online": False}
    watcher.wait(lambda: gone in [frame["data"] for frame in watcher.of_type("presence_changed")])
    assert time.monotonic() - closed > 5
    told = [frame["data"] for frame in watcher.of_type("presence_changed") if frame["data"]["member_id"] == member_id]
    assert {data["is_online"] for data in told} == {True}


def secrets(user: TestUser) -> list[str]:
    return [user.user_id, user.username, user.display_name]


def test_nobody_has_a_name_in_a_blind_room(house: House, connected: Connect) -> None:
    people = [house.do(make_user, display_name=f"비밀이름{number}") for number in range(4)]
    room_id = house.do(make_matching_room, people[:2], people[2:])
    clients = [connected(house.webs[number % 2], user) for number, user in enumerate(people)]
    head = 0
    for client in clients:
        head = client.send(room_id, "안녕하세요")["seq"]
    began = time.monotonic()
    clients[0].command("typing", room_id=room_id)
    for client in clients:
        client.has(room_id, head)
        client.command("read", room_id=room_id, seq=head)
        client.command("sync", cursors={room_id: 0})
    (typing,) = clients[3].wait(lambda: clients[3].of_type("typing", room_id))
    assert time.monotonic() - began >= 1
    assert typing["data"] == {"member_id": None}
    assert not [client.of_type("read_updated") for client in clients if client.of_type("read_updated")]
    house.do(read_state.publish_blind_reads)
    for client in clients:
        (told,) = client.wait(lambda client=client: client.of_type("read_updated", room_id))  # type: ignore[misc]
        assert told["data"] == {"member_id": None, "last_read_seq": None, "marks": [head] * 4}
        assert not client.of_type("presence_changed")
        others = [word for user in people if user is not client.user for word in secrets(user)]
        frames = json.dumps(client.frames, ensure_ascii=False)
        assert not [word for word in others if word in frames]
    house.do(read_state.publish_blind_reads)
    clients[3].has(room_id, clients[0].send(room_id, "끝")["seq"])
    assert len(clients[3].of_type("read_updated")) == 1
