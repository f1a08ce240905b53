"""Exporting: what an import reads, and no name of a blind room."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import text

from tests.cli.command import run
from tests.factories import make_matching_room, make_team_room, make_user, say
from webapp.core.extensions import db
from webapp.services import messages

pytestmark = pytest.mark.usefixtures("context")


def exported(app: Flask, room: object, path: Path) -> list[dict[str, Any]]:
    run(app, "export-messages", room, path)
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_room_comes_back_elsewhere_as_it_was(app: Flask, tmp_path: Path) -> None:
    minji, junho = make_user("minji"), make_user("junho")
    room_id = make_team_room(minji, junho, room_name="일반")
    root = say(minji, room_id, "첫 줄\n둘째 줄")
    say(junho, room_id, "답글", thread_id=root.message_id)
    withdrawn = say(junho, room_id, "취소")
    messages.delete(junho.actor, room_id, withdrawn.message_id)
    say(junho, room_id, "ㅋㅋ")
    lines = exported(app, "일반", tmp_path / "out.jsonl")
    assert [(line["author"], line["text"]) for line in lines] == [
        ("minji", "첫 줄\n둘째 줄"), ("junho", "답글"), ("junho", "ㅋㅋ"),
    ]  # fmt: skip
    assert lines[1]["thread_id"] == str(root.message_id)
    result = run(app, "import-messages", tmp_path / "out.jsonl", "--room", "사본", "--create-missing")
    assert "3 added" in result.stdout
    assert "3 known" in run(app, "import-messages", tmp_path / "out.jsonl", "--room", "사본").stdout
    copies = exported(app, "사본", tmp_path / "copy.jsonl")
    assert [[line[k] for k in ("author", "time", "text")] for line in copies] == [
        [line[k] for k in ("author", "time", "text")] for line in lines
    ]


def test_a_blind_room_shows_labels_only(app: Flask, tmp_path: Path) -> None:
    people = [make_user(f"secret{n}") for n in range(4)]
    room_id = make_matching_room(people[:2], people[2:])
    for person in people:
        say(person, room_id, "안녕하세요")
    lines = exported(app, room_id, tmp_path / "out.jsonl")
    assert {line["author"] for line in lines} == {"A1", "A2", "B1", "B2"}
    content = (tmp_path / "out.jsonl").read_text()
    for person in people:
        assert person.user_id not in content
        assert person.username not in content
        assert person.display_name not in content


def test_many_messages_are_streamed_in_order(app: Flask, tmp_path: Path) -> None:
    body = "".join(f"긴 방,min,2024-03-01T10:00:00,{n}\n" for n in range(2_500))
    (tmp_path / "in.csv").write_text(f"room,author,time,text\n{body}")
    run(app, "import-messages", tmp_path / "in.csv", "--create-missing")
    assert [line["text"] for line in exported(app, "긴 방", tmp_path / "out.jsonl")] == [str(n) for n in range(2_500)]


def test_an_unknown_room_is_one_clear_line(app: Flask, tmp_path: Path) -> None:
    result = run(app, "export-messages", UUID(int=7), tmp_path / "out.jsonl", code=1)
    assert "there is no room" in result.stderr
    assert not (tmp_path / "out.jsonl").exists()


def test_a_closed_room_is_not_found(app: Flask, tmp_path: Path) -> None:
    room_id = make_team_room(make_user("minji"))
    db.session.execute(text("UPDATE chat_rooms SET is_active = false"))
    db.session.commit()
    run(app, "export-messages", room_id, tmp_path / "out.jsonl", code=1)
