"""Importing: every good line once, whatever is wrong with the others and however often it is run."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from threading import Event, Thread
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import text

from tests.cli.command import run
from tests.factories import TestUser, make_direct_room, make_matching_room, make_team_room, make_user, say
from webapp.core.extensions import db
from webapp.repositories import imports
from webapp.schemas.rooms import MarkRead
from webapp.services import importing, read_state, unread

HEADER = "room,author,time,text\n"
AT = "2024-03-01T10:00:00+09:00"


def written(tmp_path: Path, content: str | bytes, name: str = "messages.csv") -> Path:
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def stored(room: str = "추억") -> list[tuple[str, str]]:
    query = """SELECT u.display_name, m.content FROM chat_messages m JOIN chat_rooms r USING (room_id)
               JOIN users u ON u.user_id = m.sender_id WHERE r.room_name = :room ORDER BY m.seq"""
    found = [(row[0], row[1]) for row in db.session.execute(text(query), {"room": room})]
    db.session.rollback()
    return found


def texts(room: str = "추억") -> list[str]:
    return [content for _, content in stored(room)]


def assert_sound(room_id: UUID) -> None:
    """Numbers are handed out once and without gaps, and counters at rest are what a recount finds."""
    numbers = db.session.execute(
        text("""SELECT changed_seq FROM chat_messages WHERE room_id = :room_id
                UNION ALL SELECT changed_seq FROM chat_members WHERE room_id = :room_id AND changed_seq > 0
                UNION ALL SELECT changed_seq FROM chat_rooms WHERE room_id = :room_id AND changed_seq > 0
                ORDER BY 1"""),
        {"room_id": room_id},
    )
    taken = list(numbers.scalars())
    head = db.session.execute(text("SELECT last_seq FROM chat_rooms WHERE room_id = :r"), {"r": room_id}).scalar_one()
    db.session.rollback()
    assert taken == list(range(1, head + 1))
    unread.advance(room_id)
    assert unread.repair(room_id) == 0


def one_room() -> UUID:
    room_id = db.session.execute(text("SELECT room_id FROM chat_rooms")).scalar_one()
    db.session.rollback()
    return UUID(str(room_id))


def unread_of(user: TestUser) -> int:
    return read_state.total(user.actor).unread_count


AWKWARD: Sequence[str] = (
    "평범한 한 줄",
    '따옴표 "안에" 쉼표, 그리고 ; 세미콜론',
    "여러 줄\n  들여쓰기도\n\n빈 줄도",
    "👩🏽‍💻 이모지와 \u200d 보이지 않는 글자",
    "  앞뒤 공백도 그대로  ",
    "탭\t과 %와 _와 \\와 'SQL; DROP TABLE'",
    "=SUM(A1:A9)",
    "null",
    "가" * 5_000,
)


@pytest.mark.usefixtures("context")
class TestLines:
    @pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"], ids=["plain", "with a mark"])
    @pytest.mark.parametrize("ending", ["\n", "\r\n"], ids=["LF", "CRLF"])
    def test_awkward_text_comes_back_unchanged(self, app: Flask, tmp_path: Path, bom: bytes, ending: str) -> None:
        lines = [f'추억,min,{AT},"{t.replace(chr(34), chr(34) * 2)}"' for t in AWKWARD]
        path = written(tmp_path, bom + ending.join(["room,author,time,text", *lines, ""]).encode())
        run(app, "import-messages", path, "--create-missing")
        assert texts() == list(AWKWARD)

    def test_json_lines_do_too(self, app: Flask, tmp_path: Path) -> None:
        lines = [{"room": "추억", "author": "min", "time": AT, "text": t, "unknown": 1} for t in AWKWARD]
        content = "\n\n".join(json.dumps(line, ensure_ascii=False) for line in lines)
        run(app, "import-messages", written(tmp_path, content, "m.jsonl"), "--create-missing")
        assert texts() == list(AWKWARD)

    def test_text_is_normalised_as_everywhere_at_the_door(self, app: Flask, tmp_path: Path) -> None:
        path = written(tmp_path, f'{HEADER}추억,min,{AT},"한글\r\n둘"\n')
        run(app, "import-messages", path, "--create-missing")
        assert texts() == ["한글\n둘"]

    def test_each_bad_line_is_told_and_costs_no_other(self, app: Flask, tmp_path: Path) -> None:
        good = f"추억,min,{AT},좋은 줄"
        bad = {
            3: f"추억,min,{AT},",
            4: "추억,min,어제,시간이 아님",
            5: "추억,min,2999-01-01T00:00:00Z,미래",
            6: "추억,min,0001-01-01T00:00:00,너무 옛날",
            7: f"추억,min,{AT}",
            8: f"추억,min,{AT},하나,더",
            9: f"추억,,{AT},누가",
            10: f"추억,min,{AT},{'가' * 5_001}",
            11: f'추억,min,{AT},"따옴표"가 이상함',
            12: f"추억,min,{AT},종\x07소리",
        }
        body = "\n".join([good, *bad.values(), good]).encode() + b"\n" + f"추억,min,{AT},".encode() + b"\xb0\xa1\n"
        path = written(tmp_path, HEADER.encode() + body + f'추억,min,{AT},"끝나지 않음'.encode())
        result = run(app, "import-messages", path, "--create-missing", code=1)
        for number in (*bad, 14, 15):
            assert f"line {number}:" in result.stderr, number
        assert "line 2:" not in result.stderr
        assert "line 13:" not in result.stderr
        assert f"2 added, 0 known already, {len(bad) + 2} refused" in result.stdout
        assert texts() == ["좋은 줄", "좋은 줄"]

    def test_a_bad_json_line_is_told(self, app: Flask, tmp_path: Path) -> None:
        good = json.dumps({"room": "추억", "author": "min", "time": AT, "text": "예"}, ensure_ascii=False)
        path = written(tmp_path, f'{good}\n[1]\n{{"room": "추억"\n{good.replace("예", "네")}\n', "m.jsonl")
        result = run(app, "import-messages", path, "--create-missing", code=1)
        assert "line 2: " in result.stderr
        assert "line 3: " in result.stderr
        assert texts() == ["예", "네"]

    def test_a_line_without_end_is_passed_over(self, app: Flask, tmp_path: Path) -> None:
        path = written(tmp_path, f"{HEADER}추억,min,{AT},{'가' * (1 << 20)}\n추억,min,{AT},다음\n")
        result = run(app, "import-messages", path, "--create-missing", code=1)
        assert "line 2: " in result.stderr
        assert texts() == ["다음"]

    def test_a_file_of_another_kind_is_refused_whole(self, app: Flask, tmp_path: Path) -> None:
        result = run(app, "import-messages", written(tmp_path, "이름;글\n민지;안녕\n".encode("cp949")), code=1)
        assert "UTF-8" in result.stderr
        run(app, "import-messages", tmp_path / "nowhere.csv", code=2)

    def test_an_empty_file_adds_nothing(self, app: Flask, tmp_path: Path) -> None:
        assert "0 added" in run(app, "import-messages", written(tmp_path, "")).stdout

    def test_a_time_without_a_zone_is_korean(self, app: Flask, tmp_path: Path) -> None:
        run(app, "import-messages", written(tmp_path, f"{HEADER}추억,min,2024-03-01 10:00,예\n"), "--create-missing")
        query = "SELECT created_at = '2024-03-01 01:00Z' FROM chat_messages"
        assert db.session.execute(text(query)).scalar_one()
        db.session.rollback()


@pytest.mark.usefixtures("context")
class TestRepeats:
    def test_again_adds_nothing(self, app: Flask, tmp_path: Path) -> None:
        lines = "".join(f"추억,min,{AT},{'ㅋㅋ' if n % 2 else n}\n추억,jun,{AT},ㅋㅋ\n" for n in range(30))
        path = written(tmp_path, HEADER + lines)
        assert "60 added" in run(app, "import-messages", path, "--create-missing").stdout
        before = stored()
        assert "0 added, 60 known already" in run(app, "import-messages", path, "--create-missing").stdout
        assert stored() == before
        assert texts().count("ㅋㅋ") == 45, "people do say the same twice in a minute"
        assert_sound(one_room())

    def test_an_interrupted_import_goes_on(self, app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(importing, "BATCH", 7)
        path = written(tmp_path, HEADER + "".join(f"추억,{'mj'[n % 2]}ee,{AT},{n}\n" for n in range(40)))
        real, calls = imports.add_messages, []

        def failing(room_id: UUID, rows: Sequence[Any]) -> None:
            calls.append(len(rows))
            if len(calls) == 4:
                raise OSError("the machine stopped")
            real(room_id, rows)

        with monkeypatch.context() as patch:
            patch.setattr(imports, "add_messages", failing)
            run(app, "import-messages", path, "--create-missing", code=1)
        assert len(texts()) == 21
        assert "19 added, 21 known already" in run(app, "import-messages", path, "--create-missing").stdout
        assert texts() == [str(n) for n in range(40)]
        assert_sound(one_room())

    def test_many_rooms_in_turns_keep_their_order(
        self, app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(importing, "HELD_LINES", 10)
        path = written(tmp_path, HEADER + "".join(f"방{n % 4},min,{AT},{n}\n" for n in range(100)))
        run(app, "import-messages", path, "--create-missing")
        for room in range(4):
            assert texts(f"방{room}") == [str(n) for n in range(100) if n % 4 == room]


@pytest.mark.usefixtures("context")
class TestPlaces:
    def test_rooms_and_authors_are_found_by_id_and_name(self, app: Flask, tmp_path: Path) -> None:
        minji, junho = make_user("minji"), make_user("junho")
        room_id = make_team_room(minji, junho, room_name="추억")
        path = written(
            tmp_path, f"{HEADER}추억,minji,{AT},하나\n{room_id},{junho.user_id},{AT},둘\n추억,JUNHO,{AT},셋\n"
        )
        run(app, "import-messages", path)
        assert stored()[-3:] == [(minji.display_name, "하나"), (junho.display_name, "둘"), (junho.display_name, "셋")]
        assert_sound(room_id)

    def test_nothing_is_made_unasked(self, app: Flask, tmp_path: Path) -> None:
        minji = make_user("minji")
        make_team_room(minji, room_name="추억")
        make_user("stranger")
        path = written(tmp_path, f"{HEADER}없는 방,minji,{AT},하나\n추억,nobody,{AT},둘\n추억,stranger,{AT},셋\n")
        result = run(app, "import-messages", path, code=1)
        assert "there is no room 없는 방" in result.stderr
        assert "there is no user nobody" in result.stderr
        assert "not a member" in result.stderr
        assert "0 added" in result.stdout

    def test_one_room_may_take_all_lines(self, app: Flask, tmp_path: Path) -> None:
        path = written(tmp_path, f"author,time,text\nmin,{AT},하나\n민지,{AT},둘\n")
        run(app, "import-messages", path, "--room", "추억", "--create-missing")
        assert stored() == [("min", "하나"), ("민지", "둘")]
        assert "2 known" in run(app, "import-messages", path, "--room", "추억", "--create-missing").stdout

    def test_a_name_of_several_rooms_is_refused(self, app: Flask, tmp_path: Path) -> None:
        minji = make_user("minji")
        make_team_room(minji, room_name="일반")
        make_team_room(minji, room_name="일반")
        path = written(tmp_path, f"{HEADER}일반,minji,{AT},하나\n")
        assert "several rooms" in run(app, "import-messages", path, "--create-missing", code=1).stderr

    def test_nobody_is_put_into_a_direct_or_matching_room(self, app: Flask, tmp_path: Path) -> None:
        people = [make_user() for _ in range(4)]
        stranger = make_user("stranger")
        direct, matching = make_direct_room(*people[:2]), make_matching_room(people[:2], people[2:])
        path = written(tmp_path, f"{HEADER}{direct},stranger,{AT},하나\n{matching},stranger,{AT},둘\n")
        assert "0 added" in run(app, "import-messages", path, "--create-missing", code=1).stdout
        assert unread_of(stranger) == 0

    def test_made_rooms_are_one_private_team_of_their_authors(self, app: Flask, tmp_path: Path) -> None:
        path = written(tmp_path, f"{HEADER}하나,min,{AT},a\n둘,jun,{AT},b\n")
        run(app, "import-messages", path, "--create-missing")
        query = """SELECT count(DISTINCT team_id), bool_and(visibility = 'private'),
                          (SELECT count(*) FROM team_members), (SELECT count(*) FROM users WHERE password_hash IS NULL)
                   FROM chat_rooms"""
        assert tuple(db.session.execute(text(query)).one()) == (1, True, 2, 2)
        db.session.rollback()


@pytest.mark.usefixtures("context")
class TestLiveRooms:
    def test_history_is_no_news_for_who_had_read_all(self, app: Flask, tmp_path: Path) -> None:
        minji, junho = make_user("minji"), make_user("junho")
        room_id = make_team_room(minji, junho, room_name="추억")
        newest = say(minji, room_id, "지금")
        unread.advance(room_id)
        path = written(tmp_path, HEADER + "".join(f"추억,minji,{AT},{n}\n" for n in range(5)))
        run(app, "import-messages", path)
        assert_sound(room_id)
        assert unread_of(junho) == 6, "who was behind is as far behind as the log"
        read_state.read(junho.actor, room_id, MarkRead(seq=newest.seq + 5))
        run(app, "import-messages", written(tmp_path, f"{HEADER}추억,minji,{AT},또\n", "more.csv"))
        assert_sound(room_id)
        assert unread_of(junho) == 0

    def test_people_write_on_meanwhile(self, app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(importing, "BATCH", 50)
        minji = make_user("minji")
        room_id = make_team_room(minji, room_name="추억")
        path = written(tmp_path, HEADER + "".join(f"추억,minji,{AT},옛날 {n}\n" for n in range(1_500)))
        over, sent = Event(), []

        def chat() -> None:
            with app.app_context():
                while not over.is_set():
                    sent.append(say(minji, room_id, f"지금 {len(sent)}").content)

        thread = Thread(target=chat)
        thread.start()
        try:
            run(app, "import-messages", path)
        finally:
            over.set()
            thread.join()
        assert [t for t in texts() if t.startswith("옛날")] == [f"옛날 {n}" for n in range(1_500)]
        assert [t for t in texts() if t.startswith("지금")] == sent
        assert_sound(room_id)
