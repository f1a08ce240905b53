"""Real Korean text in the tens of thousands, imported and read back whole over HTTP."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.cli.command import run
from tests.factories import TestUser, make_user

UTTERANCES = Path(__file__).parents[3] / "shared" / "data" / "korean_utterances.csv"
PAIRS = 11_823


def written_pairs(path: Path) -> dict[str, list[tuple[str, str]]]:
    """A file to import, with a room for each label; by room, who says what in which order."""
    said: dict[str, list[tuple[str, str]]] = {}
    with UTTERANCES.open(encoding="utf-8-sig", newline="") as source, path.open("w", newline="") as target:
        lines = csv.writer(target)
        lines.writerow(["room", "author", "time", "text"])
        for number, pair in enumerate(csv.DictReader(source)):
            room = f"이야기 {pair['label'].strip()}"
            minute = (
                f"2024-{number // 3_000 + 1:02}-{number // 300 % 10 + 1:02}T{number // 60 % 24:02}:{number % 60:02}:00"
            )
            for author, text in (("asker", pair["Q"]), ("answerer", pair["A"])):
                lines.writerow([room, author, minute, text])
                said.setdefault(room, []).append((author, text))
    return said


def read_back(client: FlaskClient, user: TestUser, room_id: str) -> Iterator[tuple[str, str]]:
    """All of a room's texts with the member who wrote each, page after page."""
    after, more = 0, True
    while more:
        query = {"after_seq": str(after), "limit": "100"}
        page = client.get(f"/api/v1/chats/rooms/{room_id}/messages", query_string=query, headers=user.headers).json
        yield from ((message["member_id"], message["content"]) for message in page["messages"])
        more = page["has_more_after"]
        after = page["messages"][-1]["seq"] if page["messages"] else after


@pytest.mark.slow
@pytest.mark.skipif(not UTTERANCES.exists(), reason=f"needs {UTTERANCES.name} beside the repository")
def test_every_utterance_comes_back_byte_for_byte_and_in_order(app: Flask, client: FlaskClient, tmp_path: Path) -> None:
    said = written_pairs(tmp_path / "pairs.csv")
    with app.app_context():
        asker, answerer = make_user("asker"), make_user("answerer")
    first = run(app, "import-messages", tmp_path / "pairs.csv", "--create-missing")
    assert f"{2 * PAIRS} added, 0 known already, 0 refused" in first.stdout
    again = run(app, "import-messages", tmp_path / "pairs.csv", "--create-missing")
    assert f"0 added, {2 * PAIRS} known already" in again.stdout

    rooms = client.get("/api/v1/chats/rooms", headers=asker.headers).json["rooms"]
    assert {room["room_name"] for room in rooms} == set(said)
    mine = {
        r["room_id"]: r["member_id"] for r in client.get("/api/v1/chats/rooms", headers=answerer.headers).json["rooms"]
    }
    for room in rooms:
        authors = {room["member_id"]: "asker", mine[room["room_id"]]: "answerer"}
        found = [(authors[member_id], text) for member_id, text in read_back(client, asker, room["room_id"])]
        assert found == said[room["room_name"]]
