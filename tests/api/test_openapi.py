"""The documentation tells what is served: all of it, in standard forms, and as a page that anyone can read."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any
from uuid import uuid4

import jsonschema_rs
import pytest
import schemathesis
from flask import Flask
from flask.testing import FlaskClient

from tests.factories import make_team_room, make_user, say
from webapp.api import event_schemas
from webapp.api.endpoint import PREFIX
from webapp.core import clock
from webapp.core.errors import AppError, ErrorCode
from webapp.core.ids import random_id
from webapp.events import types
from webapp.realtime import engine, protocol
from webapp.schemas.rooms import ChangesQuery
from webapp.services import sync

Served = dict[str, Any]


@pytest.fixture
def api(client: FlaskClient) -> Served:
    served: Served = client.get(f"{PREFIX}/openapi.json").json  # type: ignore[assignment]
    return served


@pytest.fixture
def socket(client: FlaskClient) -> Served:
    served: Served = client.get(f"{PREFIX}/events.json").json  # type: ignore[assignment]
    return served


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def resolved(document: Served, reference: str) -> Any:
    node: Any = document
    for part in reference.removeprefix("#/").split("/"):
        node = node[part]
    return node


def operations(api: Served) -> Iterator[tuple[str, str, Served]]:
    for path, methods in api["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


# -- the OpenAPI document ----------------------------------------------------------------------------------------------


def test_the_document_is_openapi(api: Served) -> None:
    assert api["openapi"].startswith("3.1")
    schemathesis.openapi.from_dict(api).validate()
    for reference in references(api):
        assert resolved(api, reference)


def test_every_url_of_the_api_is_documented(app: Flask, api: Served) -> None:
    documented = {
        (method, api["servers"][0]["url"] + re.sub(r"\{\w+\}", "{}", path)) for method, path, _ in operations(api)
    }
    served = {
        (method, re.sub(r"<[^>]+>", "{}", rule.rule))
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if rule.rule.startswith(PREFIX) and not rule.rule.endswith("/chats/ws")
    }
    assert documented == served


def test_every_operation_says_what_it_is(api: Served) -> None:
    found = list(operations(api))
    assert len({operation["operationId"] for _, _, operation in found}) == len(found)
    for _, path, operation in found:
        assert operation["summary"].endswith(".")
        assert set(operation["tags"]) <= {tag["name"] for tag in api["tags"]}
        in_path = {p["name"] for p in operation["parameters"] if p["in"] == "path"}
        assert in_path == set(re.findall(r"\{(\w+)\}", path))
        assert any(status.startswith("2") for status in operation["responses"])


def test_the_document_says_rightly_who_must_sign_in(client: FlaskClient, api: Served) -> None:
    for method, path, operation in operations(api):
        url = PREFIX + re.sub(r"\{\w+\}", str(uuid4()), path)
        response = client.open(url, method=method)
        needs_token = response.status_code == 401 and '"unauthenticated"' in response.text
        assert needs_token == bool(operation["security"]), f"{method} {path}"


def test_every_code_is_in_the_document_with_its_status(app: Flask, api: Served) -> None:
    error = api["components"]["schemas"]["Error"]["properties"]["error"]
    assert error["properties"]["code"]["enum"] == [code.name for code in ErrorCode]
    for code in ErrorCode:
        description = api["components"]["responses"][f"Error{code.status}"]["description"]
        assert f"`{code.name}`: {code.korean} {code.english}" in description


def test_unknown_fields_are_refused_by_the_schemas_too(api: Served) -> None:
    for name, schema in api["components"]["schemas"].items():
        assert schema["additionalProperties"] is False, name


def test_a_second_reading_costs_nothing(client: FlaskClient) -> None:
    for path in ("openapi.json", "events.json", "docs"):
        first = client.get(f"{PREFIX}/{path}")
        again = client.get(f"{PREFIX}/{path}", headers={"If-None-Match": first.headers["ETag"]})
        assert (again.status_code, again.data) == (304, b"")
        assert first.headers["Cache-Control"] == "public, max-age=60"


# -- the socket's document ---------------------------------------------------------------------------------------------


def test_every_event_has_its_schema(socket: Served) -> None:
    jsonschema_rs.meta.validate(socket)
    for reference in references(socket):
        assert resolved(socket, reference)
    assert len(socket["events"]) == len(types.ALL)
    for event in types.ALL:
        name = event.model_fields["type"].default
        assert socket["events"][name] == {"$ref": f"#/$defs/{event.__name__}"}
        assert socket["$defs"][event.__name__]["properties"]["type"]["const"] == name


def test_every_command_has_its_schema_and_answer(socket: Served) -> None:
    assert set(socket["commands"]) == set(protocol._TYPES)


def test_every_close_code_is_told() -> None:
    constants = {**vars(protocol), **vars(engine)}
    used = {value for name, value in constants.items() if name.isupper() and value in range(4000, 5000)}
    assert used | {protocol.DRAIN} <= set(event_schemas.CLOSE_CODES)


def test_real_frames_are_valid(context: Flask, client: FlaskClient) -> None:
    document = event_schemas.build()
    frames = jsonschema_rs.Draft202012Validator(document)
    minji, junho = make_user(), make_user()
    room_id = make_team_room(minji, junho)
    say(junho, room_id, "안녕하세요")
    changes = sync.changes(minji.actor, room_id, ChangesQuery(after=0)).parsed().model_dump(mode="json")["changes"]
    told = sync.hello(minji.actor).model_dump(mode="json")
    refused = protocol.refusal(7, AppError(ErrorCode.room_not_found), "ko")
    answered = protocol.answer("a", sync.sync(minji.actor, {room_id: 0, random_id(): 0}))
    resync = types.Resync(at=clock.now(), data=types.ResyncData(epoch="e")).model_dump(mode="json")
    assert changes
    for frame in [*changes, {"type": "hello", "data": told}, resync, text_of(refused), text_of(answered)]:
        frames.validate(frame)
    strangers: list[Any] = [{"type": "hello"}, {"type": "nothing"}, {**resync, "more": 1}, {"id": 1, "ok": True}, []]
    for stranger in strangers:
        assert not frames.is_valid(stranger)


def text_of(frame: bytes) -> Any:
    """The JSON object of a server's text frame."""
    return json.loads(frame[frame.index(b"{") :])


# -- the page ----------------------------------------------------------------------------------------------------------


class Read(HTMLParser):
    """What a page has: the ids, the places that its links lead to, and what it would load."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: set[str] = set()
        self.loaded: list[str] = []
        self.language = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.ids += [given["id"]] if "id" in given else []
        self.language = self.language or given.get("lang", "")
        if tag == "a":
            self.links.add(given["href"])
        elif "src" in given or "href" in given:
            self.loaded.append(given.get("src", given.get("href", "")))
        assert tag != "script"
        assert not [name for name in given if name.startswith("on") or name == "style"]


@pytest.mark.parametrize("language", ["ko", "en"])
def test_the_page_shows_everything(client: FlaskClient, api: Served, socket: Served, language: str) -> None:
    response = client.get(f"{PREFIX}/docs?lang={language}")
    page = Read(response.text)
    assert (response.status_code, response.mimetype, page.language) == (200, "text/html", language)
    assert {operation["operationId"] for _, _, operation in operations(api)} <= set(page.ids)
    assert {f"schema-{name}" for name in [*api["components"]["schemas"], *socket["$defs"]]} <= set(page.ids)
    for _, path, _ in operations(api):
        assert f"<code>{path}</code>" in response.text
    for code in ErrorCode:
        assert code.name in response.text


def test_the_page_is_sound(client: FlaskClient) -> None:
    page = Read(client.get(f"{PREFIX}/docs").text)
    assert len(page.ids) == len(set(page.ids))
    assert {link[1:] for link in page.links if link.startswith("#")} <= set(page.ids)
    elsewhere = {f"docs{link}" if link.startswith("?") else link for link in page.links if not link.startswith("#")}
    assert elsewhere == {"docs?lang=ko", "docs?lang=en", "openapi.json", "events.json"}
    for link in elsewhere:
        assert client.get(f"{PREFIX}/{link}").status_code == 200


def test_the_page_loads_nothing_and_runs_nothing(client: FlaskClient) -> None:
    response = client.get(f"{PREFIX}/docs")
    (style,) = re.findall(r"<style>(.*?)</style>", response.text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = response.headers["Content-Security-Policy"]
    assert policy.startswith(f"default-src 'none'; style-src 'sha256-{digest}';")
    assert "unsafe" not in policy
    assert "script-src" not in policy
    assert "frame-ancestors 'none'" in policy
    assert Read(response.text).loaded == ["data:,"]
    assert not re.search(r"url\(|@import", style)


@pytest.mark.parametrize(
    ("accepted", "language"), [("ko-KR,ko;q=0.9,en;q=0.8", "ko"), ("en-US,en", "en"), ("fr", "ko"), ("", "ko")]
)
def test_the_page_speaks_the_readers_language(client: FlaskClient, accepted: str, language: str) -> None:
    response = client.get(f"{PREFIX}/docs", headers={"Accept-Language": accepted})
    assert (Read(response.text).language, response.headers["Content-Language"]) == (language, language)
    assert "Accept-Language" in response.headers["Vary"]
