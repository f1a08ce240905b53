"""Whoever may no longer listen hears nothing more: suspension, log-out, expiry, removal, and what was said before."""

from __future__ import annotations

import json
import time
from datetime import timedelta
from urllib.parse import quote
from uuid import UUID

import pytest
from flask_jwt_extended import create_access_token

from tests.factories import TestUser, make_team_room, make_user
from tests.realtime.chat_client import ChatClient, Refused
from tests.realtime.conftest import Connect
from tests.realtime.processes import API, House, eventually
from webapp.core import clock
from webapp.services import sanctions


def suspend(user: TestUser) -> None:
    sanctions.suspend(user.user_id, clock.now() + timedelta(hours=1))


def make_token(user: TestUser, seconds: float) -> str:
    """An access token that is good for so long; for the console."""
    assert user.actor.session_id is not None
    expires_at = clock.now() + timedelta(seconds=seconds)
    return str(
        create_access_token(user.user_id, additional_claims={"sid": user.actor.session_id.hex, "exp": expires_at})
    )


def let_in(house: House, owner: TestUser, user: TestUser, room_id: UUID) -> None:
    """Into a private channel, by an invitation."""
    web = house.webs[0]
    code = web.call(owner, "POST", f"/chats/rooms/{room_id}/invitations", {})["code"]
    web.call(user, "POST", f"/chats/invitations/{code}/accept")


def remove(house: House, owner: TestUser, member_id: str | None, room_id: UUID) -> None:
    house.webs[1].call(owner, "DELETE", f"/chats/rooms/{room_id}/members/{member_id}")


@pytest.mark.parametrize("redis_is_there", [True, False])
def test_a_suspended_person_is_cut_in_mid_stream(house: House, connected: Connect, redis_is_there: bool) -> None:
    alice, bob = house.do(make_user), house.do(make_user)
    room_id = house.do(make_team_room, alice, bob)
    speaker, banned = connected(house.webs[0], alice), connected(house.webs[1], bob)
    if not redis_is_there:
        house.valkey.stop()
    speaker.send(room_id, "before")
    house.do(suspend, bob)
    suspended_at = time.monotonic()
    code, _ = banned.ended()
    assert (code, time.monotonic() - suspended_at < (1 if redis_is_there else 2.5)) == (4403, True)
    seen = len(banned.frames)
    last = speaker.send(room_id, "after")["seq"]
    speaker.has(room_id, last)
    assert len(banned.frames) == seen
    assert "after" not in [frame["data"].get("message", {}).get("content") for frame in banned.frames]
    refused = house.webs[0].ask("GET", f"{API}/me", bob.token)
    assert (refused.status, refused.body["error"]["code"]) == (403, "account_suspended")
    with ChatClient(house.webs[0], bob) as again:
        assert again.ended()[0] == 4403


def test_logging_out_everywhere_closes_the_sockets_of_all_processes(house: House, connected: Connect) -> None:
    alice = house.do(make_user)
    clients = [connected(web, alice) for web in house.webs]
    house.webs[0].call(alice, "POST", "/auth/logout", {"everywhere": True})
    assert [client.ended(3)[0] for client in clients] == [4401, 4401]


def test_a_socket_outlives_its_token_when_it_brings_another(house: House, connected: Connect) -> None:
    alice, bob = house.do(make_user), house.do(make_user)
    renewed = connected(house.webs[0], alice, f"token={house.do(make_token, alice, 7)}")
    ended = connected(house.webs[0], alice, f"token={house.do(make_token, alice, 8)}")
    for client in (renewed, ended):
        (warning,) = client.wait(lambda client=client: client.of_type("auth_required"), 6)  # type: ignore[misc]
        assert 0 <= warning["data"]["expires_in"] <= 8
    with pytest.raises(Refused, match="token_invalid"):
        renewed.command("auth", token=bob.token)
    with pytest.raises(Refused, match="token_invalid"):
        renewed.command("auth", token="no.such.token")
    assert renewed.command("auth", token=alice.token) == {}
    assert ended.ended() == (4401, "token_expired")
    assert renewed.command("ping") == {}
    assert renewed.closed is None
    assert len(renewed.of_type("auth_required")) == 1


@pytest.mark.parametrize("query", ["token=nonsense", "", "token="])
def test_bad_credentials_are_told_by_the_close_code(house: House, query: str) -> None:
    with ChatClient(house.webs[0], house.do(make_user), query=query) as client:
        assert client.ended()[0] == 4401
        assert not client.frames


def test_an_expired_token_opens_nothing(house: House) -> None:
    alice = house.do(make_user)
    with ChatClient(house.webs[0], alice, query=f"token={house.do(make_token, alice, -1)}") as client:
        assert client.ended() == (4401, "token_expired")


def test_a_ticket_is_good_for_one_socket(house: House, connected: Connect) -> None:
    alice = house.do(make_user)
    ticket = house.webs[0].call(alice, "POST", "/chats/ws-ticket", {})
    assert ticket["expires_in"] == 30
    first = connected(house.webs[1], alice, f"ticket={ticket['ticket']}")
    assert first.of_type("hello")[0]["data"]["user_id"] == alice.user_id
    for query in (f"ticket={ticket['ticket']}", "ticket=never-given-out", "ticket="):
        with ChatClient(house.webs[0], alice, query=query) as again:
            assert again.ended()[0] == 4404


def test_a_send_that_was_checked_before_a_removal_is_checked_again(house: House, connected: Connect) -> None:
    alice, bob = house.do(make_user), house.do(make_user)
    room_id = house.do(make_team_room, alice, bob)
    owner, removed = connected(house.webs[0], alice), connected(house.webs[0], bob)
    removed.send(room_id, "this process remembers that bob may write")
    remove(house, alice, removed.room(room_id).member_id, room_id)
    with pytest.raises(Refused, match="room_not_found"):
        removed.send(room_id, "too late")
    head = owner.send(room_id, "still here")["seq"]
    assert owner.has(room_id, head).said == ["this process remembers that bob may write", "still here"]


def test_no_message_of_a_removed_member_follows_the_removal(house: House, connected: Connect) -> None:
    alice, bob = house.do(make_user), house.do(make_user)
    room_id = house.do(make_team_room, alice, bob)
    owner, member = connected(house.webs[0], alice), connected(house.webs[1], bob)
    for _ in range(5):
        member.wait(lambda: str(room_id) in member.rooms)
        member_id = member.room(room_id).member_id
        asked = [member.begin("send", room_id=room_id, content=f"{number}") for number in range(30)]
        asked[3].result(15)
        remove(house, alice, member_id, room_id)
        done = [not answer.exception(15) for answer in asked]
        assert done == sorted(done, reverse=True), "a message got in after one was refused"
        sent = [answer.result()["message"]["seq"] for answer in asked if not answer.exception()]
        first, last = sent[0], sent[-1]
        left = owner.wait(lambda: [e for e in owner.of_type("member_left", room_id) if e["seq"] > first])  # noqa: B023
        assert last < left[-1]["seq"]
        house.webs[0].call(bob, "POST", f"/chats/rooms/{room_id}/join")


def test_what_was_said_before_one_joined_never_reaches_one(house: House, connected: Connect) -> None:
    alice, bob = house.do(make_user), house.do(make_user)
    room_id = house.do(make_team_room, alice, visibility="private")
    web, path = house.webs[0], f"/chats/rooms/{room_id}"
    old = [web.send(alice, room_id, f"secret {number}") for number in range(3)]
    reply = web.send(alice, room_id, "secret reply", thread_id=old[0]["message_id"])
    newcomer, owner = connected(house.webs[1], bob), connected(house.webs[0], alice)
    let_in(house, alice, bob, room_id)
    newcomer.wait(lambda: str(room_id) in newcomer.rooms)
    edited = f"{path}/messages/{old[0]['message_id']}"
    web.call(alice, "PATCH", edited, {"content": "secret reworded"})
    web.call(alice, "PUT", f"{path}/messages/{old[1]['message_id']}/reactions/{quote('👍')}")
    web.call(alice, "PUT", f"{path}/messages/{old[1]['message_id']}/pin")
    web.call(alice, "DELETE", f"{path}/messages/{old[2]['message_id']}")
    head = web.send(alice, room_id, "welcome")["seq"]
    assert newcomer.has(room_id, head).said == ["welcome"]
    assert owner.has(room_id, head).said[0] == "secret reworded"
    seen = [json.dumps([newcomer.frames, newcomer.command("sync", cursors={room_id: 0})])]
    for query in (
        "/changes?after=0",
        "/messages?limit=100",
        "/messages?around_seq=1",
        "/messages?after_seq=0",
        "/pins",
        "",
    ):
        seen.append(json.dumps(web.call(bob, "GET", path + query)))
    for gone in (edited, f"{edited}/thread", f"{edited}/reactions", f"{path}/messages/{reply['message_id']}"):
        assert web.ask("GET", API + gone, bob.token).status == 404
    for text in seen:
        assert "secret" not in text
        assert not [message for message in (*old, reply) if message["message_id"] in text]
    skipped = [frame["seq"] for frame in newcomer.of_type("skip", room_id)]
    assert skipped, "the numbers of what one may not see still come"


def test_who_comes_back_sees_nothing_of_the_time_between(house: House, connected: Connect) -> None:
    alice, bob = house.do(make_user), house.do(make_user)
    room_id = house.do(make_team_room, alice, visibility="private")
    let_in(house, alice, bob, room_id)
    client = connected(house.webs[1], bob)
    house.webs[0].send(alice, room_id, "first")
    remove(house, alice, client.room(room_id).member_id, room_id)
    client.wait(lambda: client.of_type("room_removed", room_id))
    between = house.webs[0].send(alice, room_id, "between")
    let_in(house, alice, bob, room_id)
    house.webs[0].call(
        alice, "PATCH", f"/chats/rooms/{room_id}/messages/{between['message_id']}", {"content": "between!"}
    )
    head = house.webs[0].send(alice, room_id, "again")["seq"]
    eventually(lambda: str(room_id) in client.rooms)
    assert client.has(room_id, head).said == ["again"]
    assert "between" not in json.dumps(client.frames)
