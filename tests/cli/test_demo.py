"""The demo world: made once, whole, in the past, and with badges to show."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from tests.cli.command import run
from tests.factories import make_user
from webapp.cli import demo as demo_command
from webapp.core.extensions import db
from webapp.services import demo_history

API = "/api/v1"
ROOMS = 27
MESSAGES = 894
TABLES = ("users", "teams", "team_members", "chat_rooms", "chat_members", "chat_messages", "message_versions",
          "message_reactions", "poll_votes", "thread_reads", "room_cursors")  # fmt: skip


@pytest.fixture
def folder(app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setitem(app.config, "FOCUSMATE", replace(app.config["FOCUSMATE"], data_dir=tmp_path / "data"))
    return tmp_path / "data"


@pytest.fixture
def seeded(app: Flask, folder: Path) -> Iterator[Flask]:
    run(app, "demo", "seed")
    with app.app_context():
        yield app


def rows(query: str) -> list[Any]:
    found = list(db.session.execute(text(query)))
    db.session.rollback()
    return found


def everything() -> dict[str, list[str]]:
    return {table: sorted(row[0] for row in rows(f"SELECT t::text FROM {table} t")) for table in TABLES}


def signed_in(client: FlaskClient, login: dict[str, str]) -> dict[str, str]:
    credentials = {"username": login["username"], "password": login["password"]}
    answer = client.post(f"{API}/auth/login", json=credentials)
    assert answer.status_code == 200, answer.text
    return {"Authorization": f"Bearer {answer.json['access_token']}"}


def test_a_second_run_changes_nothing_and_says_so(app: Flask, folder: Path) -> None:
    first = run(app, "demo", "seed")
    assert f"{ROOMS} rooms, {MESSAGES} messages" in first.output
    with app.app_context():
        before = everything()
        second = run(app, "demo", "seed")
        assert "Nothing was changed" in second.output
        assert everything() == before
    assert "Member counters that were wrong: 0" in run(app, "recount").output


def test_printed_logins_open_rooms_with_badges(seeded: Flask, folder: Path, client: FlaskClient) -> None:
    path = folder / "demo_logins.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    logins = json.loads(path.read_text())
    assert [sorted(login) for login in logins] == [["note_en", "note_ko", "password", "username"]] * 4
    mentions = 0
    for login in logins:
        listed = client.get(f"{API}/chats/rooms", headers=signed_in(client, login)).json["rooms"]
        unread = [room for room in listed if room["unread_count"]]
        assert unread
        assert len(unread) < len(listed), "some rooms are read"
        mentions += sum(room["mention_count"] for room in listed)
    assert mentions


def test_history_lies_in_the_past_and_is_whole(seeded: Flask) -> None:
    (span,) = rows("SELECT max(created_at) < now() AS over, max(created_at) > now() - interval '8 days', "
                   "min(created_at) > now() - interval '5 weeks' FROM chat_messages")  # fmt: skip
    assert tuple(span) == (True, True, True)
    assert rows("SELECT 1 FROM chat_messages WHERE greatest(updated_at, deleted_at) > now()") == []
    assert (
        rows("SELECT 1 FROM chat_rooms r JOIN chat_messages m USING (room_id) WHERE m.created_at < r.created_at") == []
    )
    assert rows("SELECT room_id FROM chat_messages GROUP BY room_id HAVING max(seq) <> count(*)") == []
    assert rows("SELECT 1 FROM chat_messages WHERE is_deleted AND (content = '' OR deleted_at IS NULL)") == []
    edited, versions = rows(
        "SELECT count(*) FROM chat_messages WHERE is_edited UNION ALL SELECT count(*) FROM message_versions"
    )
    assert edited == versions
    assert rows("SELECT 1 FROM chat_messages WHERE is_deleted")
    assert rows("SELECT 1 FROM chat_messages WHERE is_pinned")
    assert rows("SELECT 1 FROM chat_messages WHERE mentions_all")
    assert rows("SELECT 1 FROM thread_reads WHERE unread_count > 0")


def test_summaries_agree_with_their_rows(seeded: Flask) -> None:
    reacted = "SELECT message_id, emoji, count(*) FROM message_reactions GROUP BY 1, 2"
    shown = "SELECT message_id, key, (value->>'count')::int FROM chat_messages, jsonb_each(reactions)"
    assert rows(reacted)
    assert rows(f"({reacted} EXCEPT {shown}) UNION ALL ({shown} EXCEPT {reacted})") == []
    voted = "SELECT message_id, option_id, count(*) FROM poll_votes GROUP BY 1, 2"
    counted = ("SELECT message_id, (o->>'option_id')::int, (o->>'count')::int FROM chat_messages, "
               "jsonb_array_elements(poll->'options') o WHERE poll IS NOT NULL AND (o->>'count')::int > 0")  # fmt: skip
    assert rows(voted)
    assert rows(f"({voted} EXCEPT {counted}) UNION ALL ({counted} EXCEPT {voted})") == []
    replies = ("SELECT 1 FROM chat_messages m WHERE reply_count <> (SELECT count(*) FROM chat_messages r "
               "WHERE r.thread_id = m.message_id AND NOT r.is_deleted)")  # fmt: skip
    assert rows(replies) == []


def test_what_a_crash_left_out_is_added_by_the_next_run(
    app: Flask, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = 0
    real = demo_history.write

    def failing(*args: Any) -> None:
        nonlocal calls
        calls += 1
        if calls == 10:
            raise OSError("the machine stopped")
        real(*args)

    with monkeypatch.context() as patch:
        patch.setattr(demo_history, "write", failing)
        run(app, "demo", "seed", code=1)
    result = run(app, "demo", "seed")
    assert f"0 people, {ROOMS - 9} rooms" in result.output
    with app.app_context():
        assert rows("SELECT count(*) FROM chat_rooms")[0][0] == ROOMS
        assert rows("SELECT count(*) FROM chat_messages WHERE member_id IS NOT NULL")[0][0] == MESSAGES


def test_a_foreign_account_of_a_demo_name_is_left_alone(app: Flask, folder: Path) -> None:
    with app.app_context():
        make_user("minji.kim")
    result = run(app, "demo", "seed", code=1)
    assert "another account has a demo account's username" in result.output
    with app.app_context():
        assert rows("SELECT count(*) FROM users")[0][0] == 1


def test_production_refuses(app: Flask, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = replace(app.config["FOCUSMATE"], environment="production")
    monkeypatch.setitem(app.config, "FOCUSMATE", config)
    assert "never enters production" in run(app, "demo", "seed", code=1).output
    assert not (folder / "demo_logins.json").exists()


def test_no_demo_file_is_left_out() -> None:
    world = demo_command._load()
    planned = {c.key for team in world.teams for c in team.channels} | {p.key for p in (*world.direct, *world.matching)}
    assert planned == set(world.conversations)
    assert {key.split("#")[0] for key in world.votes} <= planned
