from __future__ import annotations

from functools import partial
from uuid import UUID, uuid4

import orjson
import pytest
from flask import Flask

from tests.services.room_scenes import (
    Published,
    at_once,
    block,
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
from webapp.core.errors import AppError, ErrorCode
from webapp.domain import limits
from webapp.domain.permissions import Actor
from webapp.schemas.base import Page
from webapp.schemas.messages import SendMessage
from webapp.schemas.rooms import CreateDirect, CreateTeamRoom, RoomsQuery, UpdateRoom
from webapp.services import members, messages, rooms
from webapp.services.matching_rooms import open_room

pytestmark = pytest.mark.usefixtures("context")


def listed(actor: Actor, **query: object) -> list[UUID]:
    return [room.room_id for room in rooms.list_rooms(actor, RoomsQuery.model_validate(query)).parsed().rooms]


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
    assert len({answer.member_id for answer in answers if not isinstance(answer, AppError)}) == 1
    assert rooms.get(owner, room.room_id).head_seq == 2


def test_a_full_room_lets_nobody_in_even_at_once(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "ROOM_MEMBERS", 3)
    owner, *others = people(6)
    room = channel(owner, team_of(owner, *others))
    answers = at_once(app, [partial(rooms.join, actor, room.room_id) for actor in others])
    refusals = [answer.code for answer in answers if isinstance(answer, AppError)]
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


def test_a_person_is_in_a_bounded_number_of_rooms(monkeypatch: pytest.MonkeyPatch) -> None:
    minji, junho, yuna = people(3)
    direct(minji, junho)
    monkeypatch.setattr(limits, "ROOMS_PER_USER", 1)
    with refused(ErrorCode.limit_reached):
        direct(minji, yuna)
    with refused(ErrorCode.limit_reached):
        rooms.create_team_room(minji, CreateTeamRoom(team_id=team_of(minji), room_name="방"))
