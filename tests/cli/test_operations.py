"""Accounts, counters and the epoch at the terminal."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from tests.cli.command import run
from tests.factories import make_team_room, make_user, say
from webapp.core.extensions import db
from webapp.services import unread

API = "/api/v1"


def set_password(client: FlaskClient, output: str, password: str) -> int:
    code = output.strip().splitlines()[-1].strip()
    return client.post(f"{API}/auth/reset", json={"code": code, "new_password": password}).status_code


def login(client: FlaskClient, username: str, password: str) -> int:
    return client.post(f"{API}/auth/login", json={"username": username, "password": password}).status_code


def test_a_new_account_sets_its_password_with_the_code(app: Flask, client: FlaskClient) -> None:
    result = run(app, "user", "create", "Minji.Kim", "--display-name", "김민지")
    assert login(client, "minji.kim", "아무거나 열두글자") == 401
    assert set_password(client, result.stdout, "purple-horse-7") == 200
    assert login(client, "minji.kim", "purple-horse-7") == 200
    assert set_password(client, run(app, "user", "reset-code", "minji.kim").stdout, "green-horse-8") == 200
    assert login(client, "minji.kim", "green-horse-8") == 200


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("create", "taken"), "The username is taken"),
        (("create", "no spaces here"), "username"),
        (("create", "fine", "--display-name", " "), "display_name"),
        (("suspend", "nobody"), "User not found"),
        (("lift", "nobody"), "User not found"),
        (("reset-code", "nobody"), "User not found"),
    ],
)
def test_what_cannot_be_done_is_one_clear_line(app: Flask, arguments: tuple[str, ...], told: str) -> None:
    with app.app_context():
        make_user("taken")
    result = run(app, "user", *arguments, code=1)
    assert told in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1


def test_a_suspension_holds_until_it_is_lifted(app: Flask, client: FlaskClient) -> None:
    with app.app_context():
        minji = make_user("minji")
    run(app, "user", "suspend", "minji", "--days", 3)
    assert client.get(f"{API}/me", headers=minji.headers).status_code == 403
    run(app, "user", "lift", "minji")
    assert client.get(f"{API}/me", headers=minji.headers).status_code == 200


def test_recount_repairs_and_tells_how_many_were_wrong(context: Flask) -> None:
    minji, junho = make_user(), make_user()
    room_ids = [make_team_room(minji, junho, room_name=name) for name in ("하나", "둘")]
    for room_id in room_ids:
        say(minji, room_id)
        unread.advance(room_id)
    db.session.execute(text("UPDATE chat_members SET unread_count = 77"))
    db.session.commit()
    assert "wrong: 2" in run(context, "recount", "하나").stdout
    assert "wrong: 2" in run(context, "recount").stdout
    assert "wrong: 0" in run(context, "recount").stdout
    assert "there is no room" in run(context, "recount", "셋", code=1).stderr


def test_another_epoch_makes_clients_begin_anew(app: Flask, client: FlaskClient) -> None:
    with app.app_context():
        minji = make_user()
        room_id = make_team_room(minji)
    history = f"{API}/chats/rooms/{room_id}/messages"
    before = client.get(history, headers=minji.headers).json["epoch"]
    result = run(app, "epoch", "change")
    after = client.get(history, headers=minji.headers).json["epoch"]
    assert before != after
    assert after.rsplit("-", 1)[0] in result.stdout


def test_a_database_that_is_away_is_one_clear_line(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("webapp.services.operations.deployment.change_epoch", unreachable)
    result = run(app, "epoch", "change", code=1)
    assert "The database refused" in result.stderr


def unreachable(_epoch: object) -> None:
    db.session.execute(text("SELECT 1 FROM a_table_that_is_not_there"))
