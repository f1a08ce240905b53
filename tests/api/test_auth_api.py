"""Accounts over HTTP: statuses, codes and bodies that every client relies on."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.factories import make_matching_room, make_user
from webapp.repositories import members

API = "/api/v1"
PASSWORD = "낯선 사람은 모를 말"
MINJI = {"username": "Minji", "password": PASSWORD, "display_name": "김민지"}


def post(client: FlaskClient, path: str, body: Any, token: str | None = None) -> Any:
    return client.post(API + path, json=body, headers=bearer(token))


def bearer(token: str | None) -> dict[str, str]:
    return {} if token is None else {"Authorization": f"Bearer {token}"}


def read(client: FlaskClient, path: str, headers: dict[str, str]) -> Any:
    return client.get(API + path, headers=headers)


def code(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json["error"]["code"]


def fields(answer: Any) -> list[str]:
    return [field["field"] for field in answer.json["error"]["details"]["fields"]]


@pytest.fixture
def minji(client: FlaskClient) -> dict[str, Any]:
    body: dict[str, Any] = post(client, "/auth/register", MINJI).json
    return body


def test_registering_and_logging_in_answer_alike(client: FlaskClient) -> None:
    registered = post(client, "/auth/register", {**MINJI, "email": "minji@example.com"})
    logged_in = post(client, "/auth/login", {"username": "minji", "password": PASSWORD})
    assert (registered.status_code, logged_in.status_code) == (201, 200)
    assert registered.headers["Cache-Control"] == "no-store"
    for answer in (registered.json, logged_in.json):
        assert set(answer) == {"access_token", "refresh_token", "expires_in", "user"}
        assert answer["user"]["username"] == "minji"
        assert answer["user"]["display_name"] == "김민지"
    me = read(client, "/me", bearer(logged_in.json["access_token"]))
    assert me.json == logged_in.json["user"]
    assert me.json["email"] == "minji@example.com"


def test_a_username_is_taken_once(client: FlaskClient, minji: dict[str, Any]) -> None:
    assert code(post(client, "/auth/register", {**MINJI, "username": "minji"})) == (409, "username_taken")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"username": "ab"}, "username"),
        ({"username": "김민지"}, "username"),
        ({"username": "a b c"}, "username"),
        ({"username": 7}, "username"),
        ({"password": "short"}, "password"),
        ({"password": "x" * 129}, "password"),
        ({"password": "12345678"}, "password"),
        ({"password": "QWERTY123"}, "password"),
        ({"display_name": " "}, "display_name"),
        ({"display_name": "이" * 41}, "display_name"),
        ({"display_name": "a\x00b"}, "display_name"),
        ({"email": "not an address"}, "email"),
        ({"email": "a\x00@b.c"}, "email"),
        ({"locale": "fr"}, "locale"),
        ({"is_staff": True}, "is_staff"),
    ],
)
def test_what_can_t_be_registered_is_named(client: FlaskClient, change: dict[str, Any], field: str) -> None:
    answer = post(client, "/auth/register", {**MINJI, **change})
    assert code(answer) == (422, "validation_failed")
    assert fields(answer) == [field]


def test_a_wrong_password_and_an_unknown_username_answer_the_same(client: FlaskClient, minji: dict[str, Any]) -> None:
    wrong = post(client, "/auth/login", {"username": "minji", "password": "wrong"})
    unknown = post(client, "/auth/login", {"username": "nobody", "password": "wrong"})
    assert code(wrong) == code(unknown) == (401, "bad_credentials")
    assert wrong.json["error"]["message"] == unknown.json["error"]["message"]
    assert code(post(client, "/auth/login", {"username": "\x00", "password": "\x00"})) == (401, "bad_credentials")


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, "unauthenticated"),
        ("", "unauthenticated"),
        ("Bearer", "unauthenticated"),
        ("Basic bWluamk6cHc=", "unauthenticated"),
        ("Bearer x", "token_invalid"),
        ("Bearer " + "W1tb" * 1900 + ".e30.e30", "token_invalid"),
    ],
)
def test_without_a_good_token_nothing_is_told(client: FlaskClient, header: str | None, expected: str) -> None:
    headers = {} if header is None else {"Authorization": header}
    answer = read(client, "/me", headers)
    assert code(answer) == (401, expected)
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_a_refresh_token_is_rotated(client: FlaskClient, minji: dict[str, Any]) -> None:
    renewed = post(client, "/auth/refresh", {"refresh_token": minji["refresh_token"]})
    assert renewed.status_code == 200
    assert renewed.json["refresh_token"] != minji["refresh_token"]
    assert read(client, "/me", bearer(renewed.json["access_token"])).status_code == 200
    reused = post(client, "/auth/refresh", {"refresh_token": minji["refresh_token"]})
    assert code(reused) == (401, "token_reused")
    assert code(read(client, "/me", bearer(renewed.json["access_token"]))) == (401, "token_invalid")
    assert code(post(client, "/auth/refresh", {"refresh_token": "x"})) == (401, "token_invalid")


def test_logging_out(client: FlaskClient, minji: dict[str, Any]) -> None:
    assert post(client, "/auth/logout", {}, minji["access_token"]).json == {"ok": True}
    assert code(read(client, "/me", bearer(minji["access_token"]))) == (401, "token_invalid")
    assert code(post(client, "/auth/logout", {"everywhere": True})) == (401, "unauthenticated")


def test_profile_settings_sessions_and_password(client: FlaskClient, minji: dict[str, Any]) -> None:
    headers = bearer(minji["access_token"])
    profile: Any = client.patch(f"{API}/me", json={"grade": "대학원", "gender": "female"}, headers=headers)
    assert (profile.json["grade"], profile.json["gender"]) == ("대학원", "female")
    assert fields(client.patch(f"{API}/me", json={"grade": "5학년"}, headers=headers)) == ["grade"]
    switched = client.patch(f"{API}/me/settings", json={"shows_presence": False}, headers=headers)
    assert switched.json == read(client, "/me/settings", headers).json
    assert switched.json == {"locale": "ko", "shows_receipts": True, "shows_presence": False}
    (session,) = read(client, "/me/sessions", headers).json["sessions"]
    assert session["is_current"] is True
    changed = client.put(
        f"{API}/me/password", json={"current_password": PASSWORD, "new_password": "또 다른 말 하나"}, headers=headers
    )
    assert changed.json == {"ok": True}
    ended = client.delete(f"{API}/me/sessions?session_id={session['session_id']}", headers=headers)
    assert ended.status_code == 200
    assert code(read(client, "/me", headers)) == (401, "token_invalid")


def test_a_wrong_reset_code_is_named(client: FlaskClient) -> None:
    answer = post(client, "/auth/reset", {"code": "x" * 32, "new_password": "또 다른 말 하나"})
    assert code(answer) == (422, "validation_failed")
    assert fields(answer) == ["code"]


def test_finding_people(context: Flask, client: FlaskClient) -> None:
    viewer = make_user("minji")
    hajun = make_user("hajun", department="기계공학과")
    answer = read(client, "/users?query=hajun", viewer.headers)
    assert answer.json["next_cursor"] is None
    (person,) = answer.json["users"]
    assert (person["user_id"], person["department"]) == (hajun.user_id, None)
    for query in ("", "query=", "query=%00", "query=a&limit=0", "query=a&limit=101", "query=a&cursor=x", "query=a&x=1"):
        assert code(read(client, f"/users?{query}", viewer.headers)) == (422, "validation_failed")


@pytest.mark.parametrize("user_id", ["plain", "학생/2024", "a b?c#d", "x" * 255])
def test_a_person_with_any_id_can_be_blocked(context: Flask, client: FlaskClient, user_id: str) -> None:
    from urllib.parse import quote

    from sqlalchemy import text

    from webapp.core.extensions import db

    minji, other = make_user(), make_user()
    db.session.execute(text("DELETE FROM sessions WHERE user_id = :old"), {"old": other.user_id})
    db.session.execute(
        text("UPDATE users SET user_id = :new WHERE user_id = :old"), {"new": user_id, "old": other.user_id}
    )
    db.session.commit()
    path = f"{API}/blocks/{quote(user_id, safe='')}"
    for _ in range(2):
        blocked: Any = client.put(path, headers=minji.headers)
        assert blocked.status_code == 200
        assert blocked.json["user"]["user_id"] == user_id
    assert read(client, "/blocks", minji.headers).json["blocks"] == [blocked.json]
    for _ in range(2):
        assert client.delete(path, headers=minji.headers).json == {"ok": True}
    assert read(client, "/blocks", minji.headers).json == {"blocks": [], "next_cursor": None}


def test_blocking_a_label_names_nobody(context: Flask, client: FlaskClient) -> None:
    minji, behind = make_user(), make_user("unmistakable", display_name="틀림없는 이름")
    room_id = make_matching_room([minji, make_user()], [behind, make_user()])
    member = members.find_of_user(room_id, behind.user_id)
    assert member is not None
    path = f"{API}/chats/rooms/{room_id}/members/{member.member_id}/block"
    answers = [client.put(path, headers=minji.headers), read(client, "/blocks", minji.headers)]
    for answer in answers:
        assert answer.status_code == 200
        for secret in (behind.user_id, behind.username, behind.display_name):
            assert secret not in answer.get_data(as_text=True)
    assert client.delete(path, headers=minji.headers).json == {"ok": True}


def test_nobody_there_to_block(context: Flask, client: FlaskClient) -> None:
    minji = make_user()
    assert code(client.put(f"{API}/blocks/nobody", headers=minji.headers)) == (404, "user_not_found")
    assert code(client.put(f"{API}/blocks/%00", headers=minji.headers)) == (404, "user_not_found")
    assert code(client.put(f"{API}/blocks/{minji.user_id}", headers=minji.headers)) == (422, "validation_failed")


def test_guessing_passwords_is_slowed_down_per_username_and_address(
    app: Flask, client: FlaskClient, minji: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(app.config, "FOCUSMATE", replace(app.config["FOCUSMATE"], rate_limit_factor=0.3))

    def guess(username: str, address: str) -> Any:
        body = {"username": username, "password": "a guess"}
        return client.post(f"{API}/auth/login", json=body, environ_base={"REMOTE_ADDR": address})

    # The budget refills while passwords are being checked, so a slow machine lets a few more through.
    by_address = [code(guess(f"user{n}", "192.0.2.1"))[0] for n in range(60)]
    assert by_address[:18] == [401] * 18
    assert 429 in by_address
    by_username = [guess("minji", f"192.0.2.{n}") for n in range(2, 6)]
    assert [answer.status_code for answer in by_username] == [401, 401, 401, 429]
    refused = by_username[-1]
    assert 0 < refused.json["error"]["retry_after_ms"] <= 20_000
    assert refused.headers["Retry-After"] == str(-(-refused.json["error"]["retry_after_ms"] // 1000))
