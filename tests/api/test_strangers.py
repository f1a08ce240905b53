"""Who may not come in: forged and foreign tokens, and people in rooms that are not theirs."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import jwt
import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.api.refusals import refused, told
from tests.conftest import TEST_SECRET, Backing, empty_tables
from tests.factories import TestUser, make_team_room, make_user, say
from webapp.api import ENDPOINTS
from webapp.api.endpoint import PREFIX, Endpoint
from webapp.core import clock
from webapp.services import tokens


@pytest.fixture(scope="module")
def app(application: Flask, backing: Backing) -> Flask:
    """Emptied once: every test has a person and a room of its own."""
    empty_tables(backing.database_url)
    return application


@pytest.fixture
def minji(app: Flask) -> TestUser:
    with app.app_context():
        return make_user()


def claims(user: TestUser, **changes: object) -> dict[str, Any]:
    genuine: dict[str, Any] = jwt.decode(user.token, options={"verify_signature": False})
    return {**genuine, **changes}


def signed(payload: dict[str, Any], key: str = TEST_SECRET, algorithm: str = "HS256") -> str:
    return jwt.encode(payload, key, algorithm=algorithm)


def unsigned(user: TestUser) -> str:
    return user.token.rpartition(".")[0] + "."


def altered(user: TestUser) -> str:
    header, _, signature = user.token.split(".")
    payload = json.dumps(claims(user, sub="someone-else")).encode()
    return f"{header}.{base64.urlsafe_b64encode(payload).decode().rstrip('=')}.{signature}"


FORGED: dict[str, Callable[[TestUser], str]] = {
    "garbage": lambda _: "garbage",
    "three parts of garbage": lambda _: "a.b.c",
    "dots": lambda _: "..",
    "very long": lambda _: "x" * 60_000,
    "not ASCII": lambda _: "토큰",
    "alg none": lambda user: signed(claims(user), "", "none"),
    "no signature": unsigned,
    "another key": lambda user: signed(claims(user), "another key that is long enough to be one"),
    "another algorithm": lambda user: signed(claims(user), TEST_SECRET * 2, "HS512"),
    "another payload": altered,
    "no session": lambda user: signed({k: v for k, v in claims(user).items() if k != "sid"}),
    "a session that is none": lambda user: signed(claims(user, sid="7")),
    "another's session": lambda user: signed(claims(user, sid=uuid4().hex)),
    "another's account": lambda user: signed(claims(user, sub="nobody")),
    "a person that is a number": lambda user: signed(claims(user, sub=7)),
    "a person with NUL": lambda user: signed(claims(user, sub="\x00")),
    "an endless life": lambda user: signed(claims(user, exp=10**18)),
}


@pytest.mark.parametrize("forge", FORGED.values(), ids=FORGED.keys())
def test_a_forged_token_opens_nothing(client: FlaskClient, minji: TestUser, forge: Callable[[TestUser], str]) -> None:
    token = forge(minji).encode().decode("latin-1")
    response = client.get(f"{PREFIX}/me", headers={"Authorization": f"Bearer {token}"})
    assert refused(response) == (401, "token_invalid")
    assert response.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer  ", "Basic bWluamk6bWluamk=", "Token x"])
def test_a_request_without_a_token_is_refused(client: FlaskClient, minji: TestUser, header: str | None) -> None:
    headers = {} if header is None else {"Authorization": header}
    assert refused(client.get(f"{PREFIX}/me", headers=headers)) == (401, "unauthenticated")


def test_an_expired_token_says_so(app: Flask, client: FlaskClient, minji: TestUser) -> None:
    assert minji.actor.session_id is not None
    with app.app_context():
        old = tokens.access_token(minji.user_id, minji.actor.session_id, clock.now() - timedelta(days=1))
    assert refused(client.get(f"{PREFIX}/me", headers={"Authorization": f"Bearer {old}"})) == (401, "token_expired")


def test_tokens_do_not_stand_in_for_each_other(app: Flask, client: FlaskClient, minji: TestUser) -> None:
    assert minji.actor.session_id is not None
    with app.app_context():
        refresh = tokens.refresh_token(minji.user_id, minji.actor.session_id, 0, clock.now() + timedelta(days=1))
    as_access = client.get(f"{PREFIX}/me", headers={"Authorization": f"Bearer {refresh}"})
    as_refresh = client.post(f"{PREFIX}/auth/refresh", json={"refresh_token": minji.token})
    assert refused(as_access) == refused(as_refresh) == (401, "token_invalid")


# -- other people's rooms ----------------------------------------------------------------------------------------------

# A good body or query for every endpoint of a room that takes one.
GOOD: dict[str, Any] = {
    "rooms.update": {"room_name": "이름"},
    "members.update_me": {"notification_level": "none"},
    "members.update": {"silenced_until": None},
    "members.hand_over": {"member_id": str(uuid4())},
    "invitations.create": {},
    "invitations.revoke": {"code": "abcdefgh"},
    "messages.send": {"content": "안녕"},
    "messages.edit": {"content": "안녕"},
    "messages.forward": {"room_id": str(uuid4())},
    "read_state.read_thread": {"seq": 1},
    "polls.create": {"question": "점심?", "options": ["김밥", "라면"]},
    "polls.vote": {"option_ids": [1]},
    "drafts.save": {"content": "안녕"},
    "sync.changes": {"after": 0},
    "read_state.read": {"seq": 1},
    "read_state.unread": {"seq": 1},
}
OF_A_ROOM = [endpoint for endpoint in ENDPOINTS if "<uuid:room_id>" in endpoint.path]


def asked(client: FlaskClient, endpoint: Endpoint, user: TestUser, **ids: object) -> TestResponse:
    path = PREFIX + endpoint.path
    for name, value in ids.items():
        path = path.replace(f"<uuid:{name}>", str(value)).replace(f"<path:{name}>", str(value))
    good = GOOD.get(endpoint.name)
    return client.open(
        path,
        method=endpoint.method,
        headers=user.headers,
        json=good if endpoint.body is not None else None,
        query_string=good if endpoint.query is not None else None,
    )


@pytest.mark.parametrize("endpoint", OF_A_ROOM, ids=lambda endpoint: endpoint.name)
def test_somebody_elses_room_is_no_room(app: Flask, client: FlaskClient, minji: TestUser, endpoint: Endpoint) -> None:
    with app.app_context():
        owner = make_user()
        room_id = make_team_room(owner, visibility="private")
        message = say(owner, room_id)
    ids = {"message_id": message.message_id, "member_id": message.member_id, "emoji": "👍"}
    theirs = asked(client, endpoint, minji, room_id=room_id, **ids)
    nowhere = asked(client, endpoint, minji, room_id=uuid4(), **ids)
    assert refused(theirs) == refused(nowhere) == (404, "room_not_found")
    assert told(theirs) == told(nowhere)
    assert set(theirs.headers.keys()) == set(nowhere.headers.keys())


@pytest.mark.parametrize(
    "endpoint", [e for e in OF_A_ROOM if "<uuid:message_id>" in e.path], ids=lambda endpoint: endpoint.name
)
def test_a_message_of_another_room_is_not_in_this_one(
    app: Flask, client: FlaskClient, minji: TestUser, endpoint: Endpoint
) -> None:
    with app.app_context():
        here, there = make_team_room(minji), make_team_room(minji)
        elsewhere = say(minji, there)
    response = asked(client, endpoint, minji, room_id=here, message_id=elsewhere.message_id, emoji="👍")
    assert refused(response) == (404, "message_not_found")
