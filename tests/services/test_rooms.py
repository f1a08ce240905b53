from __future__ import annotations

from datetime import timedelta
from uuid import UUID, uuid4

import orjson
import pytest
from flask import Flask
from sqlalchemy import event

from tests.services.room_scenes import (
    Published,
    at_once,
    channel,
    channel_with,
    direct,
    member_id,
    people,
    person,
    refused,
    say,
    team_of,
)
from webapp.core import clock, ids
from webapp.core.errors import ErrorCode
from webapp.core.extensions import db
from webapp.domain import limits
from webapp.domain.permissions import Actor
from webapp.models.block import Block
from webapp.models.member import Member
from webapp.models.room import Room
from webapp.schemas.base import Page
from webapp.schemas.messages import SendMessage
from webapp.schemas.rooms import CreateDirect, CreateTeamRoom, RoomsQuery, UpdateRoom
from webapp.services import members, messages, rooms
from webapp.services.matching_rooms import open_room

pytestmark = pytest.mark.usefixtures("context")


def block(blocker: Actor, blocked: Actor, label: UUID | None = None) -> None:
    db.session.add(
        Block(
            block_id=ids.random_id(),
            blocker_id=blocker.user_id,
            blocked_id=blocked.user_id,
            member_id=label,
            created_at=clock.now(),
        )
    )
    db.session.commit()


def listed(actor: Actor, **query: object) -> list[UUID]:
    return [room.room_id for room in rooms.list_rooms(actor, RoomsQuery.model_validate(query)).rooms]


# Direct rooms


def test_two_people_have_one_direct_room_from_either_side() -> None:
    minji, junho = people(2)
    room, created = rooms.open_direct(minji, CreateDirect(user_id=junho.user_id))
    again, created_again = rooms.open_direct(junho, CreateDirect(user_id=minji.user_id))
    assert (created, created_again) == (True, False)
    assert again.room_id == room.room_id
    assert again.member_id != room.member_id
    assert listed(minji) == listed(junho) == [room.room_id]


def test_a_race_for_a_direct_room_makes_one(app: Flask) -> None:
    minji, junho = people(2)
    calls = [lambda: rooms.open_direct(minji, CreateDirect(user_id=junho.user_id))] * 4
    calls += [lambda: rooms.open_direct(junho, CreateDirect(user_id=minji.user_id))] * 4
    answers = at_once(app, calls)
    assert not [answer for answer in answers if not isinstance(answer, tuple)]
    opened = [answer for answer in answers if isinstance(answer, tuple)]
    assert len({room.room_id for room, _ in opened}) == 1
    assert [created for _, created in opened].count(True) == 1


def test_a_direct_room_needs_somebody_else_who_is_there() -> None:
    minji = person()
    with refused(ErrorCode.validation_failed):
        rooms.open_direct(minji, CreateDirect(user_id=minji.user_id))
    with refused(ErrorCode.user_not_found):
        rooms.open_direct(minji, CreateDirect(user_id="nobody"))


def test_an_open_block_refuses_both_sides_alike() -> None:
    minji, junho = people(2)
    block(minji, junho)
    for one, other in ((minji, junho), (junho, minji)):
        with refused(ErrorCode.not_accepting_messages):
            rooms.open_direct(one, CreateDirect(user_id=other.user_id))


def test_a_block_through_a_label_changes_no_answer() -> None:
    minji, junho, *others = people(4)
    blind = open_room([minji.user_id, others[0].user_id], [junho.user_id, others[1].user_id], display_mode="blind")
    block(minji, junho, label=member_id(junho, blind))
    room, created = rooms.open_direct(junho, CreateDirect(user_id=minji.user_id))
    assert created
    assert rooms.open_direct(minji, CreateDirect(user_id=junho.user_id))[0].room_id == room.room_id


def test_nobody_leaves_a_direct_room() -> None:
    minji, junho = people(2)
    with refused(ErrorCode.state_conflict):
        rooms.leave(minji, direct(minji, junho).room_id)


# Channels


def test_a_channel_belongs_to_whoever_makes_it() -> None:
    owner, other = people(2)
    team_id = team_of(owner, other)
    room = channel(other, team_id, name="문제 풀이")
    assert (room.role, room.room_name, room.visibility, room.team_id) == ("owner", "문제 풀이", "public", team_id)
    assert (room.head_seq, room.unread_count, room.last_message) == (0, 0, None)


def test_only_a_team_makes_channels() -> None:
    with refused(ErrorCode.team_not_found):
        channel(person(), team_of(person()))


def test_a_team_has_a_bounded_number_of_channels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "ROOMS_PER_TEAM", 1)
    owner = person()
    team_id = team_of(owner)
    channel(owner, team_id)
    with refused(ErrorCode.limit_reached):
        channel(owner, team_id)


def test_a_team_member_joins_a_public_channel_once() -> None:
    owner, other = people(2)
    room = channel(owner, team_of(owner, other))
    joined = rooms.join(other, room.room_id)
    assert rooms.join(other, room.room_id) == joined
    assert joined.head_seq == 2, "a joining takes a number, and so does what the room is told"
    assert joined.last_message is not None
    assert joined.last_message.system is not None
    assert (joined.last_message.system.kind, joined.last_message.system.params) == (
        "member_joined",
        {"member_id": str(joined.member_id)},
    )


@pytest.mark.parametrize("visibility", ["public", "private"])
def test_strangers_are_told_of_no_channel(visibility: str) -> None:
    owner, other = people(2)
    team_id = team_of(owner, other)
    room = channel(owner, team_id, visibility)
    stranger = person() if visibility == "public" else other
    with refused(ErrorCode.room_not_found):
        rooms.join(stranger, room.room_id)
    with refused(ErrorCode.room_not_found):
        rooms.join(stranger, uuid4())
    with refused(ErrorCode.room_not_found):
        rooms.get(stranger, room.room_id)


def test_one_joining_at_many_doors_makes_one_member(app: Flask) -> None:
    owner, other = people(2)
    room = channel(owner, team_of(owner, other))
    answers = at_once(app, [lambda: rooms.join(other, room.room_id)] * 6)
    assert len({answer.member_id for answer in answers if not isinstance(answer, Exception)}) == 1
    assert rooms.get(owner, room.room_id).head_seq == 2


def test_a_full_room_lets_nobody_in_even_at_once(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "ROOM_MEMBERS", 3)
    owner, *others = people(6)
    room = channel(owner, team_of(owner, *others))
    answers = at_once(app, [lambda actor=actor: rooms.join(actor, room.room_id) for actor in others])
    refusals = [answer.code for answer in answers if isinstance(answer, Exception)]
    assert refusals == [ErrorCode.limit_reached] * 3
    assert len([m for m in members.list_members(owner, room.room_id, Page()).members if m.is_active]) == 3


def test_who_comes_back_is_the_same_member_and_starts_read() -> None:
    owner, other = people(2)
    room = channel_with(owner, other)
    before = member_id(other, room.room_id)
    rooms.leave(other, room.room_id)
    say(owner, room.room_id, "그 사이에")
    back = rooms.join(other, room.room_id)
    assert back.member_id == before
    assert (back.unread_count, back.mention_count, back.last_read_seq) == (0, 0, back.head_seq)
    assert back.visible_from_seq == 0, "a public channel's history is open"


def test_a_leaver_reads_nothing_and_the_room_goes_on() -> None:
    owner, other = people(2)
    room = channel_with(owner, other)
    rooms.leave(other, room.room_id)
    with refused(ErrorCode.room_not_found):
        rooms.get(other, room.room_id)
    with refused(ErrorCode.room_not_found):
        messages.send(other, room.room_id, SendMessage(content="아직 있나요"))
    assert room.room_id not in listed(other)
    assert say(owner, room.room_id).seq == 5, "leaving took two numbers after joining's two"


def test_a_leaver_is_told_so_last_and_everyone_by_number(monkeypatch: pytest.MonkeyPatch) -> None:
    owner, other = people(2)
    room = channel_with(owner, other)
    leaver = member_id(other, room.room_id)
    published = Published(monkeypatch)
    rooms.leave(other, room.room_id)
    left, saying = published.log(room.room_id)
    assert (left.leaver, left.reason, left.seq, left.after) == (leaver, "left", 3, 2)
    assert orjson.loads(left.payload)["type"] == "member_left"
    assert orjson.loads(saying.payload)["data"]["message"]["system"]["kind"] == "member_left"
    assert len(published.told(other)) == 1
    assert published.told(owner) == []


def test_an_owner_hands_over_before_leaving() -> None:
    owner, other = people(2)
    room = channel_with(owner, other)
    with refused(ErrorCode.owner_must_hand_over):
        rooms.leave(owner, room.room_id)


def test_the_last_one_out_closes_the_room() -> None:
    owner, other = people(2)
    room = channel(owner, team_of(owner, other))
    rooms.leave(owner, room.room_id)
    for actor in (owner, other):
        with refused(ErrorCode.room_not_found):
            rooms.join(actor, room.room_id)


# Settings


def test_each_change_of_settings_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    owner = person()
    room = channel(owner, team_of(owner))
    published = Published(monkeypatch)
    rooms.update(owner, room.room_id, UpdateRoom(room_name="새 이름", is_frozen=True, slow_mode_seconds=10))
    events = [orjson.loads(entry.payload) for entry in published.log(room.room_id)]
    assert [event["seq"] for event in events] == [1, 2, 3, 4]
    assert events[0]["data"]["room"]["room_name"] == "새 이름"
    kinds = [event["data"]["message"]["system"]["kind"] for event in events[1:]]
    assert kinds == ["room_renamed", "slow_mode_changed", "room_frozen"]


def test_a_change_to_the_same_takes_no_number() -> None:
    owner = person()
    room = channel(owner, team_of(owner))
    same = UpdateRoom(room_name=room.room_name, is_frozen=False, is_archived=False, slow_mode_seconds=0)
    assert rooms.update(owner, room.room_id, same).head_seq == 0


def test_settings_are_the_owners() -> None:
    owner, other = people(2)
    room = channel_with(owner, other)
    with refused(ErrorCode.permission_denied):
        rooms.update(other, room.room_id, UpdateRoom(room_name="내 방"))
    with refused(ErrorCode.permission_denied):
        rooms.update(owner, direct(owner, other).room_id, UpdateRoom(room_name="우리"))


def test_a_frozen_room_takes_no_message_and_an_archived_one_no_settings() -> None:
    owner, other = people(2)
    room = channel_with(owner, other)
    say(other, room.room_id)
    rooms.update(owner, room.room_id, UpdateRoom(is_frozen=True))
    with refused(ErrorCode.room_frozen):
        say(other, room.room_id)
    rooms.update(owner, room.room_id, UpdateRoom(is_frozen=False, is_archived=True))
    with refused(ErrorCode.room_archived):
        say(other, room.room_id)
    with refused(ErrorCode.room_archived):
        rooms.update(owner, room.room_id, UpdateRoom(room_name="옛 방"))
    assert not rooms.update(owner, room.room_id, UpdateRoom(is_archived=False)).is_archived
    say(other, room.room_id)


# The list


def test_the_list_is_newest_activity_first_and_walked_without_gaps() -> None:
    minji, *others = people(6)
    made = [direct(minji, other).room_id for other in others]
    for room_id in (made[2], made[0]):
        say(minji, room_id)
    order = [made[0], made[2], made[4], made[3], made[1]]
    assert listed(minji) == order
    walked: list[UUID] = []
    cursor = None
    while True:
        page = rooms.list_rooms(minji, RoomsQuery(cursor=cursor, limit=2))
        walked += [room.room_id for room in page.rooms]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert walked == order


@pytest.mark.parametrize("cursor", ["x", "é", "W10", "WyJhIiwiYiJd", "WzEsMl0=", "bnVsbA"])
def test_a_cursor_of_ones_own_making_is_refused(cursor: str) -> None:
    with refused(ErrorCode.validation_failed):
        rooms.list_rooms(person(), RoomsQuery(cursor=cursor))


def test_the_list_can_be_of_one_type() -> None:
    owner, other = people(2)
    team_room, pair = channel_with(owner, other), direct(owner, other)
    assert listed(owner, room_type="team") == [team_room.room_id]
    assert listed(owner, room_type="direct") == [pair.room_id]


def test_the_list_shows_a_room_as_the_room_shows_itself() -> None:
    owner, other = people(2)
    room = channel_with(owner, other)
    say(other, room.room_id, "내일 봐요")
    (shown,) = rooms.list_rooms(owner, RoomsQuery()).rooms
    assert shown == rooms.get(owner, room.room_id)
    assert shown.last_message is not None
    assert shown.last_message.content == "내일 봐요"


def test_a_thread_reply_is_no_last_message() -> None:
    owner, other = people(2)
    room = channel_with(owner, other)
    root = say(owner, room.room_id, "뿌리")
    messages.send(other, room.room_id, SendMessage(content="답글", thread_id=root.message_id))
    (shown,) = rooms.list_rooms(owner, RoomsQuery()).rooms
    assert shown.last_message is not None
    assert shown.last_message.message_id == root.message_id


def test_whom_one_has_blocked_by_label_says_nothing_in_the_list() -> None:
    minji, junho, yuna, omar = people(4)
    blind = open_room([minji.user_id, yuna.user_id], [junho.user_id, omar.user_id], display_mode="blind")
    say(yuna, blind, "보이는 말")
    say(junho, blind, "숨긴 말")
    block(minji, junho, label=member_id(junho, blind))
    pair = direct(junho, minji)
    say(junho, pair.room_id, "여기서도")
    shown = {room.room_id: room.last_message for room in rooms.list_rooms(minji, RoomsQuery()).rooms}
    newest = shown[blind]
    assert newest is not None
    assert newest.content == "보이는 말"
    assert shown[pair.room_id] is None
    other_view = {room.room_id: room.last_message for room in rooms.list_rooms(omar, RoomsQuery()).rooms}[blind]
    assert other_view is not None
    assert other_view.content == "숨긴 말"


def test_the_list_begins_where_ones_view_of_a_room_begins() -> None:
    owner, other = people(2)
    room = channel_with(owner, other)
    say(owner, room.room_id, "이전 이야기")
    row = db.session.query(Member).filter_by(room_id=room.room_id, user_id=other.user_id).one()
    row.visible_from_seq = 99
    db.session.commit()
    assert rooms.list_rooms(other, RoomsQuery()).rooms[0].last_message is None
    row.visible_from_seq = 0
    db.session.get_one(Room, room.room_id).floor_seq = 99
    db.session.commit()
    assert rooms.list_rooms(other, RoomsQuery()).rooms[0].last_message is None


def test_the_list_costs_few_queries_however_long() -> None:
    minji, *others = people(8)
    for other in others:
        say(other, direct(minji, other).room_id)
    asked: list[str] = []
    listener = lambda *args: asked.append(args[2])  # noqa: E731
    event.listen(db.engine, "before_cursor_execute", listener)
    try:
        assert len(rooms.list_rooms(minji, RoomsQuery(limit=100)).rooms) == 7
    finally:
        event.remove(db.engine, "before_cursor_execute", listener)
    assert len(asked) <= 4


# Rooms of a match


def test_a_blind_room_deals_labels_and_tells_no_order() -> None:
    actors = people(16)
    group_a, group_b = actors[:8], actors[8:]
    room_id = open_room([a.user_id for a in group_a], [b.user_id for b in group_b], display_mode="blind")
    views = members.list_members(group_a[0], room_id, Page()).members
    assert sorted(str(view.anonymous_name) for view in views) == sorted(f"{g}{n}" for g in "AB" for n in range(1, 9))
    assert all(view.anonymous_name[0] == view.group_label for view in views if view.anonymous_name and view.group_label)
    assert [view.profile is not None for view in views].count(True) == 1, "only oneself has a face"
    rows = db.session.query(Member).filter_by(room_id=room_id).all()
    assert len({row.joined_at for row in rows}) == 1
    labels = {row.user_id: row.anonymous_name for row in rows}
    assert [labels[a.user_id] for a in group_a] != [f"A{n}" for n in range(1, 9)] or (
        [labels[b.user_id] for b in group_b] != [f"B{n}" for n in range(1, 9)]
    ), "dealt in the order given (once in 1.6 billion by chance)"


def test_a_match_opens_with_a_word_from_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    actors = people(4)
    names = [actor.user_id for actor in actors]
    published = Published(monkeypatch)
    for mode, kind in (("blind", "blind_opened"), ("open", "match_opened")):
        room_id = open_room(names[:2], names[2:], display_mode=mode)  # type: ignore[arg-type]
        room = rooms.get(actors[0], room_id)
        assert room.last_message is not None
        assert room.last_message.system is not None
        assert (room.last_message.system.kind, room.head_seq, room.unread_count) == (kind, 1, 0)
        assert room.role == "member"
    assert [len(published.told(actor)) for actor in actors] == [2, 2, 2, 2]


def test_an_open_match_shows_faces_and_groups() -> None:
    actors = people(4)
    names = [actor.user_id for actor in actors]
    room_id = open_room(names[:2], names[2:], display_mode="open")
    views = members.list_members(actors[0], room_id, Page()).members
    assert {view.anonymous_name for view in views} == {None}
    assert {view.profile.user_id: view.group_label for view in views if view.profile} == dict(
        zip(names, "AABB", strict=True)
    )


def test_a_match_is_of_two_equal_groups_of_different_people() -> None:
    a, b, c, d, e = (actor.user_id for actor in people(5))
    for groups in (([a], [b]), ([a, b], [c]), ([a, b], [b, c]), ([a, b, e], [c, d])):
        with refused(ErrorCode.validation_failed):
            open_room(*groups, display_mode="blind")
    with refused(ErrorCode.user_not_found):
        open_room([a, b], [c, "nobody"], display_mode="blind")


def test_nobody_owns_a_matched_room_but_everyone_may_leave() -> None:
    actors = people(4)
    names = [actor.user_id for actor in actors]
    room_id = open_room(names[:2], names[2:], display_mode="blind")
    with refused(ErrorCode.permission_denied):
        rooms.update(actors[0], room_id, UpdateRoom(is_frozen=True))
    with refused(ErrorCode.permission_denied):
        members.remove(actors[0], room_id, member_id(actors[1], room_id))
    rooms.leave(actors[0], room_id)
    with refused(ErrorCode.room_not_found):
        rooms.join(actors[0], room_id)


def test_a_person_is_in_a_bounded_number_of_rooms(monkeypatch: pytest.MonkeyPatch) -> None:
    minji, junho, yuna = people(3)
    direct(minji, junho)
    monkeypatch.setattr(limits, "ROOMS_PER_USER", 1)
    with refused(ErrorCode.limit_reached):
        direct(minji, yuna)
    with refused(ErrorCode.limit_reached):
        rooms.create_team_room(minji, CreateTeamRoom(team_id=team_of(minji), room_name="방"))


def test_the_order_of_the_list_is_by_time_not_by_name() -> None:
    minji, junho, yuna = people(3)
    first, second = direct(minji, junho), direct(minji, yuna)
    later = clock.ManualClock(clock.now() + timedelta(minutes=1))
    former = clock.inject(later)
    try:
        say(junho, first.room_id)
    finally:
        clock.inject(former)
    assert listed(minji) == [first.room_id, second.room_id]
