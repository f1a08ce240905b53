from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.factories import TestUser, make_direct_room, make_matching_room, make_team, make_team_room, make_user, say

pytestmark = pytest.mark.usefixtures("context")
ROOMS = "/api/v1/chats/rooms"


def call(client: FlaskClient, user: TestUser, method: str, path: str, body: Any = None, **options: Any) -> TestResponse:
    return client.open(path, method=method, headers=user.headers, json=body, **options)


def code_of(answer: TestResponse) -> str:
    assert answer.json is not None
    return str(answer.json["error"]["code"])


def test_a_direct_room_is_created_and_then_found(client: FlaskClient) -> None:
    minji, junho = make_user(), make_user()
    first = call(client, minji, "POST", f"{ROOMS}/direct", {"user_id": junho.user_id})
    again = call(client, junho, "POST", f"{ROOMS}/direct", {"user_id": minji.user_id})
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json is not None
    assert again.json is not None
    assert first.json["room_id"] == again.json["room_id"]
    assert first.json.keys() >= {
        "room_id", "room_type", "room_name", "description", "display_mode", "visibility", "team_id", "is_frozen",
        "is_archived", "slow_mode_seconds", "head_seq", "member_id", "role", "visible_from_seq", "last_read_seq",
        "unread_count", "mention_count", "last_message", "last_message_at", "directory_rev", "created_at",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 422), ({"user_id": ""}, 422), ({"user_id": 7}, 422), ({"user_id": "a\x00b"}, 422),
        ({"user_id": "nobody"}, 404), ({"user_id": "x" * 256}, 422), ({"user_id": "nobody", "more": 1}, 422), ([], 422),
    ],
)  # fmt: skip
def test_a_direct_room_with_nonsense_is_refused(client: FlaskClient, body: Any, status: int) -> None:
    assert call(client, make_user(), "POST", f"{ROOMS}/direct", body).status_code == status


def test_a_team_and_its_channel_from_nothing(client: FlaskClient) -> None:
    owner, other = make_user(), make_user()
    team = call(client, owner, "POST", "/api/v1/teams", {"team_name": "해커톤 팀"})
    assert team.status_code == 201
    assert team.json is not None
    where = f"/api/v1/teams/{team.json['team_id']}"
    added = call(client, owner, "POST", f"{where}/members", {"user_ids": [other.user_id]})
    assert added.json is not None
    assert (added.status_code, added.json["member_count"]) == (200, 2)
    body = {"team_id": team.json["team_id"], "room_name": "일반", "visibility": "public", "description": "아무 말"}
    room = call(client, owner, "POST", f"{ROOMS}/team", body)
    assert room.status_code == 201
    assert room.json is not None
    offered = call(client, other, "GET", f"{where}/rooms")
    assert offered.json is not None
    assert [found["room_id"] for found in offered.json["rooms"]] == [room.json["room_id"]]
    joined = call(client, other, "POST", f"{ROOMS}/{room.json['room_id']}/join")
    assert joined.json is not None
    assert (joined.status_code, joined.json["role"]) == (200, "member")
    people = call(client, other, "GET", f"{where}/members")
    assert people.json is not None
    assert [member["profile"]["user_id"] for member in people.json["members"]] == [owner.user_id, other.user_id]
    assert call(client, other, "POST", f"{ROOMS}/{room.json['room_id']}/leave").json == {"ok": True}
    assert call(client, other, "POST", f"{where}/leave").json == {"ok": True}
    assert call(client, other, "GET", where).status_code == 404


def test_somebody_elses_room_and_no_room_answer_alike(client: FlaskClient) -> None:
    stranger, room_id = make_user(), make_team_room(make_user())
    calls: list[tuple[str, str, Any]] = [
        ("GET", "", None),
        ("PATCH", "", {"room_name": "내 방"}),
        ("POST", "/join", None),
        ("POST", "/leave", None),
        ("GET", "/members", None),
        ("PATCH", f"/members/{uuid4()}", {"silenced_until": None}),
        ("DELETE", f"/members/{uuid4()}", None),
        ("PATCH", "/me", {"notification_level": "none"}),
        ("POST", "/owner", {"member_id": str(uuid4())}),
        ("POST", "/invitations", {}),
        ("DELETE", "/invitations?code=ABCDEFGH22", None),
    ]
    for method, path, body in calls:
        answers = [call(client, stranger, method, f"{ROOMS}/{room}{path}", body) for room in (room_id, uuid4())]
        assert [(answer.status_code, code_of(answer)) for answer in answers] == [(404, "room_not_found")] * 2, path


def test_the_list_and_the_directory_are_for_one_person_only(client: FlaskClient) -> None:
    minji, junho = make_user(), make_user()
    room_id = make_direct_room(minji, junho)
    say(junho, room_id, "여기요")
    listed = call(client, minji, "GET", f"{ROOMS}?limit=100&room_type=direct")
    assert listed.json is not None
    (room,) = listed.json["rooms"]
    assert (room["last_message"]["content"], listed.json["next_cursor"]) == ("여기요", None)
    directory = call(client, minji, "GET", f"{ROOMS}/{room_id}/members")
    assert directory.json is not None
    names = {member["member_id"]: member["profile"]["user_id"] for member in directory.json["members"]}
    assert set(names.values()) == {minji.user_id, junho.user_id}
    assert names[room["member_id"]] == minji.user_id
    assert directory.json["directory_rev"] == room["directory_rev"]
    assert {listed.headers["Cache-Control"], directory.headers["Cache-Control"]} == {"no-store"}


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=101", "limit=x", "cursor=%00", "cursor=W10", "room_type=secret", "a=1"]
)
def test_a_list_asked_for_wrongly_is_refused(client: FlaskClient, query: str) -> None:
    answer = call(client, make_user(), "GET", f"{ROOMS}?{query}")
    assert (answer.status_code, code_of(answer)) == (422, "validation_failed")


def test_a_blind_room_has_no_faces_over_http(client: FlaskClient) -> None:
    actors = [make_user() for _ in range(4)]
    room_id = make_matching_room(actors[:2], actors[2:])
    directory = call(client, actors[0], "GET", f"{ROOMS}/{room_id}/members").get_data(as_text=True)
    for other in actors[1:]:
        assert other.user_id not in directory
        assert other.display_name not in directory


def test_the_owner_runs_a_channel_over_http(client: FlaskClient) -> None:
    owner, other = make_user(), make_user()
    room_id = make_team_room(owner, other)
    where = f"{ROOMS}/{room_id}"
    changed = call(client, owner, "PATCH", where, {"room_name": "새 이름", "is_frozen": True})
    assert changed.json is not None
    assert (changed.json["room_name"], changed.json["is_frozen"]) == ("새 이름", True)
    assert call(client, other, "PATCH", where, {"room_name": "내 방"}).status_code == 403
    for wrong in ({"room_name": " "}, {"slow_mode_seconds": -1}, {"slow_mode_seconds": 21_601}, {"is_active": False}):
        assert call(client, owner, "PATCH", where, wrong).status_code == 422
    joined = call(client, other, "GET", where)
    assert joined.json is not None
    target = joined.json["member_id"]
    silenced = call(client, owner, "PATCH", f"{where}/members/{target}", {"silenced_until": "2999-01-01T00:00:00Z"})
    assert silenced.json is not None
    assert silenced.json["member"]["member_id"] == target
    assert call(client, owner, "PATCH", f"{where}/members/{target}", {}).status_code == 422
    mine = call(client, other, "PATCH", f"{where}/me", {"notification_level": "mentions", "muted_until": None})
    assert mine.json is not None
    assert mine.json["notification_level"] == "mentions"
    removed = call(client, owner, "DELETE", f"{where}/members/{target}")
    assert removed.json is not None
    assert removed.json["member"]["is_active"] is False
    assert call(client, other, "GET", where).status_code == 404


def test_an_invitation_over_http(client: FlaskClient) -> None:
    owner, guest = make_user(), make_user()
    where = f"{ROOMS}/{make_team_room(owner, visibility='private')}/invitations"
    made = call(client, owner, "POST", where, {"expires_hours": 2, "max_uses": 3})
    assert made.status_code == 201
    assert made.json is not None
    code = made.json["code"]
    seen = call(client, guest, "GET", f"/api/v1/chats/invitations/{code}")
    assert seen.json is not None
    assert seen.json.keys() == {"room_name", "description", "team_name", "expires_at"}
    accepted = call(client, guest, "POST", f"/api/v1/chats/invitations/{code}/accept")
    assert accepted.json is not None
    assert (accepted.status_code, accepted.json["room_id"]) == (200, made.json["room_id"])
    assert call(client, owner, "DELETE", f"{where}?code={code}").json == {"ok": True}
    for path in (code, "%00", "a%2Fb"):
        assert call(client, guest, "GET", f"/api/v1/chats/invitations/{path}").status_code == 404
    for wrong in ({"expires_hours": 0}, {"expires_hours": 169}, {"max_uses": 0}, {"max_uses": 101}, {"uses": 1}):
        assert call(client, owner, "POST", where, wrong).status_code == 422


def test_ownership_is_handed_over_over_http(client: FlaskClient) -> None:
    owner, other = make_user(), make_user()
    where = f"{ROOMS}/{make_team_room(owner, other)}"
    heir = call(client, other, "GET", where)
    assert heir.json is not None
    assert code_of(call(client, owner, "POST", f"{where}/leave")) == "owner_must_hand_over"
    handed = call(client, owner, "POST", f"{where}/owner", {"member_id": heir.json["member_id"]})
    assert handed.json is not None
    assert handed.json["role"] == "member"
    assert call(client, owner, "POST", f"{where}/leave").status_code == 200


def test_everything_needs_an_account(client: FlaskClient, app: Flask) -> None:
    team_id = make_team(make_user())
    for path in (ROOMS, f"/api/v1/teams/{team_id}", "/api/v1/chats/invitations/ABCDEFGH22"):
        assert client.get(path).status_code == 401
