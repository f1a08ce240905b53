"""Bad input of any kind gets a clear 4xx with a code of the list, never a fault of ours, and loses nothing."""

from __future__ import annotations

import base64
import json
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.api.refusals import field_at_fault, refused
from tests.conftest import Backing, empty_tables
from tests.factories import TestUser, make_team_room, make_user, say
from webapp.api.endpoint import JSON, PREFIX
from webapp.domain import limits


@pytest.fixture(scope="module")
def app(application: Flask, backing: Backing) -> Flask:
    """Emptied once: every test has a person and a room of its own."""
    empty_tables(backing.database_url)
    return application


@pytest.fixture
def minji(app: Flask) -> TestUser:
    with app.app_context():
        return make_user()


@pytest.fixture
def room(app: Flask, minji: TestUser) -> str:
    with app.app_context():
        return f"{PREFIX}/chats/rooms/{make_team_room(minji)}"


@pytest.fixture
def message(app: Flask, minji: TestUser, room: str) -> str:
    with app.app_context():
        return f"{room}/messages/{say(minji, UUID(room[-36:])).message_id}"


# -- bodies ------------------------------------------------------------------------------------------------------------

NO_JSON = {
    "cut off": b'{"content": "a"',
    "not JSON": b"content=a",
    "single quotes": b"{'content': 'a'}",
    "more behind it": b'{"content": "a"} {}',
    "a lone surrogate": rb'{"content": "\ud800"}',
    "half an escape": rb'{"content": "\ud83d\u0041"}',
    "not UTF-8": b'{"content": "\xff\xfe"}',
    "an encoded surrogate": b'{"content": "\xed\xa0\x80"}',
    "UTF-16": '{"content": "a"}'.encode("utf-16"),
    "a raw line break in a text": b'{"content": "a\nb"}',
    "a number of 5,000 digits": b'{"content": 1' + b"0" * 5_000 + b"}",
    "100,000 brackets": b"[" * 100_000,
    "100,000 objects": b'{"content":' * 20_000,
    "depth in an unknown field": b'{"content": "a", "x": ' + b"[" * 50_000 + b"]" * 50_000 + b"}",
}
WRONG_SHAPES = {
    "null": (b"null", ""),
    "a list": (b"[]", ""),
    "a text": (b'"content"', ""),
    "nothing": (b"", "content"),
    "only spaces": (b"   ", "content"),
    "no content": (b"{}", "content"),
    "a number": (b'{"content": 7}', "content"),
    "null content": (b'{"content": null}', "content"),
    "a list of texts": (b'{"content": ["a"]}', "content"),
    "an empty text": (b'{"content": ""}', "content"),
    "a text that is too long": (json.dumps({"content": "가" * 5_001}).encode(), "content"),
    "NUL": (rb'{"content": "a\u0000b"}', "content"),
    "a control character": (rb'{"content": "a\u001bb"}', "content"),
    "an unknown field": (b'{"content": "a", "sender_id": "someone"}', "sender_id"),
    "a dangerous field": (b'{"content": "a", "__proto__": {}}', "__proto__"),
    "no UUID": (b'{"content": "a", "thread_id": "7"}', "thread_id"),
    "a UUID as a number": (b'{"content": "a", "thread_id": 7}', "thread_id"),
    "another UUID version": (
        b'{"content": "a", "client_message_id": "01890a5d-ac96-774b-bcce-b302099a8057"}',
        "client_message_id",
    ),
    "a type of the server's": (b'{"content": "a", "message_type": "system"}', "message_type"),
}


@pytest.mark.parametrize("raw", NO_JSON.values(), ids=NO_JSON.keys())
def test_what_is_no_json_is_malformed(client: FlaskClient, minji: TestUser, room: str, raw: bytes) -> None:
    response = client.post(f"{room}/messages", data=raw, content_type=JSON, headers=minji.headers)
    assert refused(response) == (400, "malformed_json")


@pytest.mark.parametrize(("raw", "field"), WRONG_SHAPES.values(), ids=WRONG_SHAPES.keys())
def test_a_wrong_shape_is_refused_by_the_name_of_its_field(
    client: FlaskClient, minji: TestUser, room: str, raw: bytes, field: str
) -> None:
    response = client.post(f"{room}/messages", data=raw, content_type=JSON, headers=minji.headers)
    assert refused(response) == (422, "validation_failed")
    assert field_at_fault(response) == field
    assert '"messages":[]' in client.get(f"{room}/messages", headers=minji.headers).text, "and nothing of it is kept"


@pytest.mark.parametrize("seq", ["1e400", "-1", "NaN", "Infinity", "1.5", '"1"', "true", str(2**53), "9" * 400, "{}"])
def test_a_number_that_is_none_is_refused(client: FlaskClient, minji: TestUser, room: str, seq: str) -> None:
    response = client.post(f"{room}/read", data=f'{{"seq": {seq}}}', content_type=JSON, headers=minji.headers)
    assert refused(response) == (422, "validation_failed")
    assert field_at_fault(response) == "seq"


@pytest.mark.parametrize(
    "until",
    ["yesterday", "2026-01-01T00:00:00", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", 1e300, "", {}],
)
def test_a_time_that_cannot_be_kept_is_refused(client: FlaskClient, minji: TestUser, room: str, until: Any) -> None:
    response = client.patch(f"{room}/me", json={"muted_until": until}, headers=minji.headers)
    assert refused(response) == (422, "validation_failed")


def test_a_body_that_is_too_large_is_refused(client: FlaskClient, minji: TestUser, room: str) -> None:
    for content_type in (JSON, "text/plain"):
        response = client.post(
            f"{room}/messages", data=b"x" * 300 * 1024, content_type=content_type, headers=minji.headers
        )
        assert refused(response) == (413, "too_large")


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
def test_another_type_than_json_is_refused(client: FlaskClient, minji: TestUser, room: str, content_type: str) -> None:
    response = client.post(
        f"{room}/messages", data=b'{"content": "a"}', content_type=content_type, headers=minji.headers
    )
    assert refused(response) == (415, "unsupported_type")


def test_json_with_a_charset_is_json(client: FlaskClient, minji: TestUser, room: str) -> None:
    raw = '{"content": "안녕"}'.encode()
    response = client.post(
        f"{room}/messages", data=raw, content_type="application/json; charset=utf-8", headers=minji.headers
    )
    assert response.status_code == 201


def test_a_text_of_the_greatest_length_is_taken(client: FlaskClient, minji: TestUser, room: str) -> None:
    longest = "🏻" * limits.CONTENT_LENGTH
    response = client.post(f"{room}/messages", json={"content": longest}, headers=minji.headers)
    assert response.status_code == 201
    assert response.json is not None
    assert response.json["message"]["content"] == longest


# -- paths and queries -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [
        "/nothing",
        "/chats/rooms/7",
        "/chats/rooms/not-a-uuid-at-all",
        "/chats/rooms/%00",
        "/chats/rooms/%ff%fe",
        "/chats/rooms/../../me/x",
        "/teams/😀",
        "/chats/invitations/",
        "/chats/invitations/%00%00%00%00",
        "/chats/invitations/" + "가" * 2_000,
        "/chats/invitations/' OR 1=1 --",
    ],
)
def test_a_path_to_nothing_is_not_found(client: FlaskClient, minji: TestUser, path: str) -> None:
    assert refused(client.get(PREFIX + path, headers=minji.headers))[0] == 404


@pytest.mark.parametrize(
    "user_id", ["u-unknown", "%00", "%ff", "a%2Fb", "%2F", "%2e%2e", "x" * 256, "가" * 300, "😀", "%ED%A0%80"]
)
def test_a_person_that_is_none_is_refused(client: FlaskClient, minji: TestUser, user_id: str) -> None:
    assert refused(client.put(f"{PREFIX}/blocks/{user_id}", headers=minji.headers))[0] in {404, 422}


@pytest.mark.parametrize("emoji", ["abc", "%00", "%ff", "a%2Fb", "%20", "7", "가", "👍👍", "👍" * 100, "%ED%A0%80"])
def test_a_reaction_that_is_no_emoji_is_refused(client: FlaskClient, minji: TestUser, message: str, emoji: str) -> None:
    for method in ("PUT", "DELETE"):
        response = client.open(f"{message}/reactions/{emoji}", method=method, headers=minji.headers)
        assert refused(response) == (422, "validation_failed")


@pytest.mark.parametrize("emoji", ["%F0%9F%91%8D", "👍", "❤️", "👩‍👩‍👧‍👦", "🇰🇷", "1️⃣"])
def test_an_emoji_may_be_percent_encoded_or_not(client: FlaskClient, minji: TestUser, message: str, emoji: str) -> None:
    assert client.put(f"{message}/reactions/{emoji}", headers=minji.headers).status_code == 200


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=101", "limit=-1", "limit=abc", "limit=", "limit=1e1", "limit=" + "9" * 5_000, "limit=5&page=2"],
)
def test_a_limit_that_is_none_is_refused(client: FlaskClient, minji: TestUser, query: str) -> None:
    assert refused(client.get(f"{PREFIX}/chats/rooms?{query}", headers=minji.headers)) == (422, "validation_failed")


def test_of_repeated_parameters_the_first_counts(client: FlaskClient, minji: TestUser) -> None:
    def answered(query: str) -> int:
        return client.get(f"{PREFIX}/chats/rooms?{query}", headers=minji.headers).status_code

    assert (answered("limit=1&limit=nonsense"), answered("limit=nonsense&limit=1")) == (200, 422)


def cursor(*parts: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode().rstrip("=")


CURSORS = {
    "nonsense": "nonsense",
    "no base64": "%21%21",
    "NUL": "%00",
    "not ASCII": "가",
    "empty": cursor(),
    "numbers": cursor(1, 2),
    "a huge number": cursor(10**400),
    "texts": cursor("a", "b"),
    "NUL in a text": cursor("\x00", str(uuid4())),
    "a lone surrogate": cursor("\ud800", str(uuid4())),
    "objects": cursor({}, {}),
    "a part too many": cursor("a", str(uuid4()), "b"),
    "deep": base64.urlsafe_b64encode(b"[" * 800).decode(),
}


@pytest.mark.parametrize("given", CURSORS.values(), ids=CURSORS.keys())
@pytest.mark.parametrize(
    "path",
    ["/me/mentions", "/blocks", "/teams", "/chats/rooms", "{room}/members", "{message}/reactions"],
)
def test_a_cursor_that_was_not_given_out_is_refused(
    client: FlaskClient, minji: TestUser, message: str, path: str, given: str
) -> None:
    url = path.format(room=message[: message.index("/messages")], message=message)
    url = url if url.startswith(PREFIX) else PREFIX + url
    assert refused(client.get(f"{url}?cursor={given}", headers=minji.headers)) == (422, "validation_failed")


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-01-01T00:00:00"])
def test_a_cursor_at_the_end_of_time_is_no_fault(client: FlaskClient, minji: TestUser, moment: str) -> None:
    for path in ("/blocks", "/chats/rooms"):
        given = cursor(moment, str(uuid4()))
        assert client.get(f"{PREFIX}{path}?cursor={given}", headers=minji.headers).status_code in {200, 422}


@pytest.mark.parametrize("query", ["", "query=", "query=%20", "query=%00", "query=" + "가" * 81, "q=minji"])
def test_a_search_for_nothing_is_refused(client: FlaskClient, minji: TestUser, query: str) -> None:
    assert refused(client.get(f"{PREFIX}/users?{query}", headers=minji.headers)) == (422, "validation_failed")


@pytest.mark.parametrize("query", ["%25", "_", "%5C", "%27%3B--", "%ff%fe", "%F0%9F%98%80"])
def test_a_search_for_signs_finds_nobody(client: FlaskClient, minji: TestUser, query: str) -> None:
    response = client.get(f"{PREFIX}/users?query={query}", headers=minji.headers)
    assert (response.status_code, response.json) == (200, {"users": [], "next_cursor": None})


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/me", {"GET", "HEAD", "PATCH"}),
        ("DELETE", "/chats/limits", {"GET", "HEAD"}),
        ("GET", "/auth/login", {"POST"}),
        ("BREW", "/me", {"GET", "HEAD", "PATCH"}),
    ],
)
def test_a_wrong_method_is_told_the_right_ones(
    client: FlaskClient, minji: TestUser, method: str, path: str, allowed: set[str]
) -> None:
    response = client.open(PREFIX + path, method=method, headers=minji.headers)
    assert refused(response) == (405, "method_not_allowed")
    assert set(response.headers["Allow"].split(", ")) == allowed
