"""Blocks of people and of labels, and that the latter tell nothing."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask import Flask

from tests.factories import (
    TestUser,
    make_direct_room,
    make_matching_room,
    make_team_room,
    make_user,
    say,
)
from webapp.core.errors import AppError, ErrorCode
from webapp.domain import limits
from webapp.events.publisher import Letter, publisher
from webapp.repositories import members, rooms
from webapp.schemas.accounts import BlockView
from webapp.schemas.base import Page
from webapp.services import access, blocks
from webapp.services import rooms as room_service


def refusal(call: Callable[..., object], *arguments: Any) -> ErrorCode:
    with pytest.raises(AppError) as caught:
        call(*arguments)
    return caught.value.code


def member_id(room_id: UUID, person: TestUser) -> UUID:
    member = members.find_of_user(room_id, person.user_id)
    assert member is not None
    return member.member_id


def listed(person: TestUser, limit: int = 50) -> list[BlockView]:
    views, cursor = [], None
    while True:
        page = blocks.list_blocks(person.actor, Page(limit=limit, cursor=cursor))
        views += page.blocks
        cursor = page.next_cursor
        if cursor is None:
            return views


def test_a_blocked_pair_gets_no_direct_message_through_until_it_is_taken_back(context: Flask) -> None:
    minji, hajun = make_user(), make_user()
    room_id = make_direct_room(minji, hajun)
    say(hajun, room_id)
    blocks.block(minji.actor, hajun.user_id)
    assert refusal(say, hajun, room_id) is ErrorCode.not_accepting_messages
    assert refusal(say, minji, room_id) is ErrorCode.not_accepting_messages
    blocks.unblock(minji.actor, hajun.user_id)
    assert say(hajun, room_id).seq


def test_a_block_makes_sends_under_way_check_again(context: Flask) -> None:
    minji, hajun = make_user(), make_user()
    room_id = make_direct_room(minji, hajun)

    def access_rev() -> int:
        room = rooms.lock(room_id)
        assert room is not None
        return room.access_rev

    before = access_rev()
    blocks.block(minji.actor, hajun.user_id)
    blocks.block(minji.actor, hajun.user_id)
    assert access_rev() == before + 1
    blocks.unblock(minji.actor, hajun.user_id)
    blocks.unblock(minji.actor, hajun.user_id)
    assert access_rev() == before + 2


def test_blocking_again_changes_nothing_even_at_once(context: Flask) -> None:
    minji, hajun = make_user(), make_user()

    def attempt(_: int) -> BlockView:
        with context.app_context():
            return blocks.block(minji.actor, hajun.user_id)

    with ThreadPoolExecutor(4) as pool:
        views = list(pool.map(attempt, range(8)))
    assert listed(minji) == views[:1]
    assert all(view == views[0] for view in views)


@pytest.mark.parametrize("user_id", ["nobody", "nul\x00", "s" * 256, "\ud800", " "])
def test_only_people_who_are_there_can_be_blocked(context: Flask, user_id: str) -> None:
    minji = make_user()
    assert refusal(blocks.block, minji.actor, user_id) is ErrorCode.user_not_found
    assert blocks.unblock(minji.actor, user_id).ok


def test_nobody_blocks_oneself(context: Flask) -> None:
    minji = make_user()
    room_id = make_matching_room([minji, make_user()], [make_user(), make_user()])
    assert refusal(blocks.block, minji.actor, minji.user_id) is ErrorCode.validation_failed
    label = member_id(room_id, minji)
    assert refusal(blocks.block_member, minji.actor, room_id, label) is ErrorCode.validation_failed


def test_blocks_are_counted(context: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "BLOCKS_PER_USER", 2)
    minji, people = make_user(), [make_user() for _ in range(3)]
    for person in people[:2]:
        blocks.block(minji.actor, person.user_id)
    assert refusal(blocks.block, minji.actor, people[2].user_id) is ErrorCode.limit_reached
    blocks.block(minji.actor, people[0].user_id)
    assert len(listed(minji)) == 2


def test_people_are_listed_by_profile_and_labels_by_room_never_both(context: Flask) -> None:
    minji, behind = make_user(), make_user(department="간호학과", grade="1학년")
    room_id = make_matching_room([minji, make_user()], [behind, make_user()])
    label = member_id(room_id, behind)
    blocks.block(minji.actor, behind.user_id)
    blocks.block_member(minji.actor, room_id, label)
    by_label, by_name = listed(minji)
    assert by_name.user is not None
    assert (by_name.user.user_id, by_name.user.department, by_name.user.grade) == (behind.user_id, None, None)
    assert (by_name.room_id, by_name.member_id, by_name.anonymous_name) == (None, None, None)
    assert (by_label.user, by_label.room_id, by_label.member_id) == (None, room_id, label)
    assert by_label.anonymous_name in {"B1", "B2"}


def test_the_list_comes_page_by_page(context: Flask) -> None:
    minji, people = make_user(), [make_user() for _ in range(5)]
    for person in people:
        blocks.block(minji.actor, person.user_id)
    everybody = listed(minji)
    assert [view.user.user_id for view in everybody if view.user] == [p.user_id for p in reversed(people)]
    assert listed(minji, limit=2) == everybody


def test_a_blocked_label_is_hidden_from_the_blocker_whose_sockets_learn_it(
    context: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    minji, behind = make_user(), make_user()
    room_id = make_matching_room([minji, make_user()], [behind, make_user()])
    label = member_id(room_id, behind)
    told: list[tuple[str, object]] = []
    monkeypatch.setattr(publisher, "publish", lambda channel, item: told.append((channel, item)))
    first = blocks.block_member(minji.actor, room_id, label)
    assert blocks.block_member(minji.actor, room_id, label) == first
    assert access.access_room(minji.actor, room_id).hidden == {label}
    assert access.access_room(behind.actor, room_id).hidden == frozenset()
    blocks.unblock_member(minji.actor, room_id, label)
    blocks.unblock_member(minji.actor, room_id, label)
    assert access.access_room(minji.actor, room_id).hidden == frozenset()
    assert {channel for channel, _ in told} == {f"user:{minji.user_id}"}
    revisions = [letter.rooms_rev for _, letter in told if isinstance(letter, Letter)]
    assert len(revisions) == 2
    assert revisions[1] == (revisions[0] or 0) + 1


def test_a_blocked_label_notices_nothing(context: Flask) -> None:
    minji, behind = make_user(), make_user()
    room_id = make_matching_room([minji, make_user()], [behind, make_user()])
    blocks.block_member(minji.actor, room_id, member_id(room_id, behind))
    assert say(behind, room_id).seq
    direct_id = make_direct_room(behind, minji)
    assert say(behind, direct_id).seq
    assert listed(behind) == []


def test_the_answers_of_open_blocks_don_t_depend_on_blocks_of_labels(context: Flask) -> None:
    minji, behind, other = make_user(), make_user(), make_user()
    room_id = make_matching_room([minji, make_user()], [behind, other])
    blocks.block_member(minji.actor, room_id, member_id(room_id, behind))
    for person in (behind, other):
        view = blocks.block(minji.actor, person.user_id)
        assert view.user is not None
        assert view.user.user_id == person.user_id
        blocks.unblock(minji.actor, person.user_id)
    assert [view.member_id for view in listed(minji)] == [member_id(room_id, behind)]


def test_a_block_of_a_label_can_be_taken_back_after_leaving(context: Flask) -> None:
    minji, behind = make_user(), make_user()
    room_id = make_matching_room([minji, make_user()], [behind, make_user()])
    label = member_id(room_id, behind)
    blocks.block_member(minji.actor, room_id, label)
    room_service.leave(minji.actor, room_id)
    blocks.unblock_member(minji.actor, room_id, label)
    assert listed(minji) == []
    assert refusal(blocks.unblock_member, minji.actor, room_id, label) is ErrorCode.room_not_found


def test_in_an_open_room_a_block_of_a_member_is_of_the_person(context: Flask) -> None:
    minji, hajun = make_user(), make_user()
    room_id = make_team_room(minji, hajun)
    member = member_id(room_id, hajun)
    view = blocks.block_member(minji.actor, room_id, member)
    assert view.user is not None
    assert view.user.user_id == hajun.user_id
    assert access.access_room(minji.actor, room_id).hidden == frozenset()
    blocks.unblock_member(minji.actor, room_id, member)
    assert listed(minji) == []


def test_strangers_to_a_room_learn_nothing_of_its_members(context: Flask) -> None:
    minji, hajun, stranger = make_user(), make_user(), make_user()
    room_id = make_team_room(minji, hajun)
    for call in (blocks.block_member, blocks.unblock_member):
        assert refusal(call, stranger.actor, room_id, member_id(room_id, hajun)) is ErrorCode.room_not_found
        assert refusal(call, stranger.actor, uuid4(), uuid4()) is ErrorCode.room_not_found
        assert refusal(call, minji.actor, room_id, uuid4()) is ErrorCode.member_not_found
