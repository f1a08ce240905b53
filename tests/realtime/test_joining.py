"""Rooms come and go on open sockets, in their place in the log."""

from __future__ import annotations

from tests.factories import make_direct_room, make_team_room, make_user
from tests.realtime.conftest import Connect
from tests.realtime.processes import House


def test_a_room_joined_live_begins_with_its_head_and_ends_with_its_removal(house: House, connected: Connect) -> None:
    alice, bob = house.do(make_user), house.do(make_user)
    room_id = house.do(make_team_room, alice, bob)
    web, path = house.webs[0], f"/chats/rooms/{room_id}"
    web.call(bob, "POST", f"{path}/leave")
    sockets = [connected(each, bob) for each in house.webs]
    owner = connected(web, alice)
    web.send(alice, room_id, "while away")
    for _ in range(2):
        web.call(bob, "POST", f"{path}/join")
        head = web.send(alice, room_id, "welcome")["seq"]
        for socket in sockets:
            assert socket.has(room_id, head).said == owner.has(room_id, head).said
            created = socket.of_type("room_created", room_id)[-1]
            assert created["after"] == 0
            assert created["data"]["room"]["head_seq"] == created["seq"] <= head
        web.call(bob, "POST", f"{path}/leave")
        after = web.send(alice, room_id, "while away")["seq"]
        owner.has(room_id, after)
        for socket in sockets:
            removed = socket.wait(lambda socket=socket: socket.of_type("room_removed", room_id))[-1]  # type: ignore[misc]
            assert removed["data"]["reason"] == "left"
            assert removed["after"] == removed["seq"] - 1
            socket.command("ping")
            assert [frame for frame in socket.frames if frame.get("room_id") == str(room_id)][-1] is removed
            for each in sockets:
                each.frames = [frame for frame in each.frames if frame["type"] == "hello" or each is not socket]
    assert [web.ask("GET", f"/api/v1{path}", bob.token).status] == [404]


def test_a_removed_member_hears_who_was_removed_last(house: House, connected: Connect) -> None:
    alice, bob = house.do(make_user), house.do(make_user)
    room_id = house.do(make_team_room, alice, bob)
    owner, member = connected(house.webs[0], alice), connected(house.webs[1], bob)
    member_id = member.room(room_id).member_id
    house.webs[0].send(alice, room_id, "goodbye")
    house.webs[0].call(alice, "DELETE", f"/chats/rooms/{room_id}/members/{member_id}")
    head = house.webs[0].send(alice, room_id, "gone")["seq"]
    owner.has(room_id, head)
    removed = member.wait(lambda: member.of_type("room_removed", room_id))[-1]
    member.command("ping")
    assert removed["data"]["reason"] == "removed"
    assert [frame for frame in member.frames if frame.get("room_id") == str(room_id)][-1] is removed
    left = owner.of_type("member_left", room_id)[-1]
    assert (left["seq"], left["data"]["member"]["member_id"]) == (removed["seq"], member_id)
    assert left["data"]["member"]["profile"] is None


def test_a_removal_that_redis_did_not_tell_is_found(house: House, connected: Connect) -> None:
    alice, bob = house.do(make_user), house.do(make_user)
    room_id = house.do(make_team_room, alice, bob)
    member = connected(house.webs[1], bob)
    house.valkey.stop()
    house.webs[0].call(alice, "DELETE", f"/chats/rooms/{room_id}/members/{member.room(room_id).member_id}")
    house.webs[0].send(alice, room_id, "not for bob")
    member.wait(lambda: member.of_type("room_removed", room_id))
    member.command("ping")
    assert "not for bob" not in str(member.frames)


def test_a_room_that_redis_did_not_tell_of_is_found(house: House, connected: Connect) -> None:
    alice, bob = house.do(make_user), house.do(make_user)
    client = connected(house.webs[1], bob)
    house.valkey.stop()
    room_id = house.do(make_direct_room, alice, bob)
    house.webs[0].send(alice, room_id, "hello")
    assert client.has(room_id, 1).said == ["hello"]


def test_a_new_direct_room_appears_on_the_sockets_of_both(house: House, connected: Connect) -> None:
    alice, bob = house.do(make_user), house.do(make_user)
    clients = [connected(house.webs[0], alice), connected(house.webs[1], bob)]
    room_id = house.do(make_direct_room, alice, bob)
    for client in clients:
        client.wait(lambda client=client: str(room_id) in client.rooms)  # type: ignore[misc]
    head = clients[0].send(room_id, "hello")["seq"]
    assert clients[1].has(room_id, head).said == ["hello"]


def test_rooms_joined_while_connecting_are_not_missed(house: House, connected: Connect) -> None:
    alice, bob = house.do(make_user), house.do(make_user)
    room_ids = [house.do(make_team_room, alice, bob) for _ in range(8)]
    for room_id in room_ids:
        house.webs[0].call(bob, "POST", f"/chats/rooms/{room_id}/leave")
    client = connected(house.webs[1], bob)
    for room_id in room_ids:
        client.cut()
        client.open()
        house.webs[0].call(bob, "POST", f"/chats/rooms/{room_id}/join")
        head = house.webs[0].send(alice, room_id, "hello")["seq"]
        assert client.wait(lambda: str(room_id) in client.rooms)  # noqa: B023 - called at once
        assert client.has(room_id, head).said == ["hello"]
