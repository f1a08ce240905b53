"""One's own account, and who can be found."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from pydantic import ValidationError

from tests.factories import TestUser, make_direct_room, make_matching_room, make_team, make_user
from webapp.core import clock
from webapp.core.clock import ManualClock
from webapp.core.errors import AppError, ErrorCode
from webapp.domain.permissions import Actor
from webapp.events.publisher import Letter, publisher
from webapp.repositories import members
from webapp.schemas.accounts import (
    ChangePassword,
    EndSessions,
    Login,
    Refresh,
    Register,
    ResetPassword,
    TokensView,
    UpdateMe,
    UpdateSettings,
    UsersQuery,
)
from webapp.schemas.base import Page
from webapp.services import accounts, auth, blocks, sanctions

OLD, NEW = "어제의 비밀번호", "오늘의 비밀번호"


def sign_up(username: str = "minji") -> tuple[TokensView, Actor]:
    tokens = auth.register(Register(username=username, password=OLD, display_name="김민지"), "")
    return tokens, auth.authenticate(tokens.access_token)


def log_in(password: str) -> TokensView:
    return auth.login(Login(username="minji", password=password), "")


def is_refused(token: str) -> bool:
    try:
        auth.authenticate(token)
    except AppError as error:
        return error.code is ErrorCode.token_invalid
    return False


def names_found(viewer: TestUser, words: str, limit: int = 50) -> list[str | None]:
    names, cursor = [], None
    while True:
        page = accounts.search_users(viewer.actor, UsersQuery(query=words, limit=limit, cursor=cursor))
        names += [person.username for person in page.users]
        cursor = page.next_cursor
        if cursor is None:
            return names


def test_only_the_given_fields_of_a_profile_change(context: Flask) -> None:
    minji = make_user("minji", department="컴퓨터공학과", school="서울대")
    changed = accounts.update_me(
        minji.actor, UpdateMe.model_validate({"grade": "3학년", "school": None, "locale": "en"})
    )
    assert (changed.grade, changed.school, changed.department, changed.locale) == ("3학년", None, "컴퓨터공학과", "en")
    unchanged = accounts.update_me(minji.actor, UpdateMe(display_name=None))
    assert unchanged == accounts.me(minji.actor) == changed


def test_settings_change_one_by_one_and_reach_open_sockets(context: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    minji = make_user()
    told: list[tuple[str, object]] = []
    monkeypatch.setattr(publisher, "publish", lambda channel, item: told.append((channel, item)))
    assert accounts.settings(minji.actor).shows_receipts
    accounts.update_settings(minji.actor, UpdateSettings(shows_receipts=False))
    view = accounts.update_settings(minji.actor, UpdateSettings(locale="en"))
    assert (view.shows_receipts, view.shows_presence, view.locale) == (False, True, "en")
    assert accounts.update_settings(minji.actor, UpdateSettings()) == view
    assert told == [(f"user:{minji.user_id}", Letter(rooms_rev=rev)) for rev in (1, 2)]


def test_a_new_password_ends_all_other_sessions(context: Flask) -> None:
    here, actor = sign_up()
    there = log_in(OLD)
    with pytest.raises(AppError) as refused:
        accounts.change_password(actor, ChangePassword(current_password="a guess", new_password=NEW))
    assert refused.value.code is ErrorCode.validation_failed
    assert not is_refused(there.access_token)
    accounts.change_password(actor, ChangePassword(current_password=OLD, new_password=NEW))
    assert not is_refused(here.access_token)
    assert is_refused(there.access_token)
    assert not is_refused(log_in(NEW).access_token)
    with pytest.raises(AppError):
        log_in(OLD)


def test_an_account_without_a_password_gets_none_by_guessing(context: Flask) -> None:
    with pytest.raises(AppError):
        accounts.change_password(make_user().actor, ChangePassword(current_password="", new_password=NEW))


def test_a_reset_code_sets_a_password_once(context: Flask) -> None:
    tokens, _ = sign_up()
    stale, code = accounts.make_reset_code("minji"), accounts.make_reset_code("MinJi")
    with pytest.raises(AppError):
        accounts.reset_password(ResetPassword(code=stale, new_password=NEW))

    def attempt(number: int) -> int:
        with context.app_context():
            try:
                accounts.reset_password(ResetPassword(code=code, new_password=f"{NEW} {number}"))
            except AppError:
                return 0
            return 1

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(attempt, range(4))) == 1
    assert is_refused(tokens.access_token)
    with pytest.raises(AppError):
        auth.refresh(Refresh(refresh_token=tokens.refresh_token))


def test_a_reset_code_is_good_for_an_hour(context: Flask) -> None:
    sign_up()
    hand = ManualClock(datetime.now(UTC))
    former = clock.inject(hand)
    try:
        code = accounts.make_reset_code("minji")
        hand.advance(timedelta(minutes=61))
        with pytest.raises(AppError) as refused:
            accounts.reset_password(ResetPassword(code=code, new_password=NEW))
    finally:
        clock.inject(former)
    assert refused.value.details["fields"][0]["field"] == "code"


def test_nobody_gets_a_code_for_an_unknown_username(context: Flask) -> None:
    with pytest.raises(AppError) as refused:
        accounts.make_reset_code("nobody")
    assert refused.value.code is ErrorCode.user_not_found


def test_sign_ins_are_listed_and_ended(context: Flask) -> None:
    here, actor = sign_up()
    there, third = log_in(OLD), log_in(OLD)
    listed = accounts.list_sessions(actor, Page()).sessions
    assert [session.is_current for session in listed] == [False, False, True]
    ended = auth.authenticate(there.access_token).session_id
    accounts.end_sessions(actor, EndSessions(session_id=ended))
    assert is_refused(there.access_token)
    assert not is_refused(third.access_token)
    accounts.end_sessions(actor, EndSessions())
    assert is_refused(third.access_token)
    assert not is_refused(here.access_token)


def test_nobody_ends_a_stranger_s_session(context: Flask) -> None:
    _, actor = sign_up()
    stranger = make_user()
    for session_id in (stranger.actor.session_id, actor.user_id):
        with pytest.raises(AppError) as refused:
            accounts.end_sessions(actor, EndSessions(session_id=session_id))  # type: ignore[arg-type]
        assert refused.value.code is ErrorCode.session_not_found
    assert not is_refused(stranger.token)


def test_a_stranger_is_found_by_the_whole_username_only(context: Flask) -> None:
    minji = make_user("minji")
    make_user("hajun.kim", display_name="김하준")
    assert names_found(minji, "HaJun.Kim") == ["hajun.kim"]
    assert names_found(minji, "hajun") == names_found(minji, "하준") == []


def test_a_teammate_is_found_by_a_part_of_either_name(context: Flask) -> None:
    minji, hajun = make_user("minji"), make_user("hajun", display_name="김하준")
    make_team(minji, hajun)
    for words in ("하준", "김하", "aju", "HAJUN"):
        assert names_found(minji, words) == ["hajun"]
    assert names_found(minji, "%") == names_found(minji, "h_jun") == []


def test_a_person_found_shows_no_school_department_or_grade(context: Flask) -> None:
    minji = make_user("minji")
    make_user("hajun", department="기계공학과", grade="2학년", school="연세대", avatar_url="/a.webp")
    (person,) = accounts.search_users(minji.actor, UsersQuery(query="hajun")).users
    assert person.avatar_url == "/a.webp"
    assert (person.department, person.grade, person.school) == (None, None, None)


def test_all_who_fit_come_page_by_page_once(context: Flask) -> None:
    minji = make_user("minji")
    mates = [make_user(f"mate{n}", display_name="친구" if n % 2 else f"친구 {n}") for n in range(7)]
    make_team(minji, *mates)
    make_team(minji, *mates[:3])
    for limit in (1, 2, 7, 50):
        found = names_found(minji, "친구", limit)
        assert sorted(map(str, found)) == [f"mate{n}" for n in range(7)]


@pytest.mark.parametrize("cursor", ["x", "WzEsMl0", "WyJhIl0", "bnVsbA"])
def test_a_cursor_of_nobody_s_is_refused(context: Flask, cursor: str) -> None:
    with pytest.raises(AppError) as refused:
        accounts.search_users(make_user().actor, UsersQuery(query="a", cursor=cursor))
    assert refused.value.code is ErrorCode.validation_failed


@pytest.mark.parametrize("words", ["", "  ", "a\x00b", "a\nb", "x" * 81])
def test_a_search_is_one_line_of_text(words: str) -> None:
    with pytest.raises(ValidationError):
        UsersQuery(query=words)


def test_erased_suspended_and_openly_blocking_people_are_not_found(context: Flask) -> None:
    minji = make_user("minji")
    make_user("gone", erased_at=clock.now())
    suspended, blocking, blocked = make_user("suspended"), make_user("blocking"), make_user("blocked")
    sanctions.suspend(suspended.user_id, clock.now() + timedelta(days=1))
    blocks.block(blocking.actor, minji.user_id)
    blocks.block(minji.actor, blocked.user_id)
    for name in ("gone", "suspended", "blocking", "blocked", "minji"):
        assert names_found(minji, name) == []
    sanctions.lift(suspended.user_id)
    assert names_found(minji, "suspended") == ["suspended"]


def test_a_block_of_a_label_is_no_oracle(context: Flask) -> None:
    minji, behind, other = make_user("minji"), make_user("behind"), make_user("other")
    room_id = make_matching_room([minji, make_user()], [behind, other])
    label = members.find_of_user(room_id, behind.user_id)
    assert label is not None

    def answers() -> list[object]:
        return [
            names_found(one, two.username)
            for one, two in ((minji, behind), (minji, other), (behind, minji), (other, minji))
        ] + [blocks.list_blocks(behind.actor, UsersQuery(query="-")).blocks]

    before = answers()
    blocks.block_member(minji.actor, room_id, label.member_id)
    assert answers() == before
    make_direct_room(behind, minji)
    assert answers() == before


HASHING_BESIDE_A_LOOP = """
from gevent import monkey
monkey.patch_all()
import gevent
from webapp.integrations import passwords
ticks = 0
def tick():
    global ticks
    while True:
        gevent.sleep(0.001)
        ticks += 1
gevent.spawn(tick)
gevent.sleep(0)
stored = passwords.hashed("one")
assert passwords.matches(stored, "one") and not passwords.matches(stored, "two") and not passwords.matches(None, "one")
assert ticks >= 5, ticks
"""


def test_hashing_a_password_stops_nobody_else() -> None:
    subprocess.run([sys.executable, "-c", HASHING_BESIDE_A_LOOP], check=True, timeout=60)
