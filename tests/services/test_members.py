from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from uuid import uuid4

import orjson
import pytest
from flask import Flask
from pydantic import ValidationError

from tests.services.room_scenes import (
    Published,
    at_once,
    channel_with,
    direct,
    member_id,
    people,
    person,
    refused,
    say,
)
from webapp.core import clock
from webapp.core.errors import ErrorCode
from webapp.domain.permissions import Actor
from webapp.schemas.base import Page
from webapp.schemas.rooms import HandOver, MemberView, RoomView, UpdateMember, UpdateMembership, UpdateRoom
from webapp.services import members, rooms

pytestmark = pytest.mark.usefixtures("context")


def soon(minutes: int = 10) -> datetime:
    return clock.now() + timedelta(minutes=minutes)


def directory(viewer: Actor, room: RoomView) -> dict[object, MemberView]:
    return {view.member_id: view for view in members.list_members(viewer, room.room_id, Page()).members}


# The directory


def test_the_directory_keeps_those_who_left_and_is_walked_without_gaps() -> None:
    actors = people(5)
    room = channel_with(*actors)
    rooms.leave(actors[4], room.room_id)
    seen: list[MemberView] = []
    cursor = None
    while True:
        page = members.list_members(actors[0], room.room_id, Page(cursor=cursor, limit=2))
        seen += page.members
        cursor = page.next_cursor
        if cursor is None:
            break
    assert {view.profile.user_id: view.is_active for view in seen if view.profile} == {
        actor.user_id: actor is not actors[4] for actor in actors
    }
    assert [view.member_id for view in seen] == sorted(view.member_id for view in seen)


def test_the_directory_is_for_members() -> None:
    owner = person()
    with refused(ErrorCode.room_not_found):
        members.list_members(person(), channel_with(owner).room_id, Page())
    with refused(ErrorCode.validation_failed):
        members.list_members(owner, channel_with(owner).room_id, Page(cursor="WzFd"))


def test_the_directory_moves_on_with_every_change_of_a_member() -> None:
    owner, other = people(2)
    room = channel_with(owner, other)
    before = room.directory_rev
    members.update(owner, room.room_id, member_id(other, room.room_id), UpdateMember(silenced_until=soon()))
    assert rooms.get(owner, room.room_id).directory_rev == before + 1


# Silence


def test_a_silenced_member_reads_on_but_does_not_write() -> None:
    owner, other = people(2)
    room = channel_with(owner, other)
    target = member_id(other, room.room_id)
    say(other, room.room_id)
    shown = members.update(owner, room.room_id, target, UpdateMember(silenced_until=soon())).member
    assert shown.member_id == target
    with refused(ErrorCode.member_silenced) as caught:
        say(other, room.room_id)
    assert caught.value.retry_after_ms
    assert rooms.get(other, room.room_id).last_message is not None
    members.update(owner, room.room_id, target, UpdateMember(silenced_until=None))
    say(other, room.room_id)


def test_leaving_does_not_end_a_silence() -> None:
    owner, other = people(2)
    room = channel_with(owner, other)
    target = member_id(other, room.room_id)
    members.update(owner, room.room_id, target, UpdateMember(silenced_until=soon()))
    rooms.leave(other, room.room_id)
    rooms.join(other, room.room_id)
    with refused(ErrorCode.member_silenced):
        say(other, room.room_id)


def test_a_silence_is_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    owner, other = people(2)
    room = channel_with(owner, other)
    target, until = member_id(other, room.room_id), soon()
    published = Published(monkeypatch)
    for moment in (until, until, None, None, soon(-10)):
        members.update(owner, room.room_id, target, UpdateMember(silenced_until=moment))
    events = [orjson.loads(entry.payload) for entry in published.log(room.room_id)]
    assert [(event["type"], event["seq"]) for event in events] == [("member_updated", 3), ("member_updated", 4)]


@pytest.mark.parametrize("moment", ["9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00+12:00", "2030-01-01T00:00:00", 5])
def test_a_time_that_cannot_be_kept_is_refused_at_the_door(moment: object) -> None:
    with pytest.raises(ValidationError):
        UpdateMember.model_validate_json(orjson.dumps({"silenced_until": moment}))


# What only the owner may do, and to whom


def test_a_member_may_do_nothing_to_another() -> None:
    owner, one, other = people(3)
    room = channel_with(owner, one, other)
    target = member_id(other, room.room_id)
    with refused(ErrorCode.permission_denied):
        members.update(one, room.room_id, target, UpdateMember(silenced_until=soon()))
    with refused(ErrorCode.permission_denied):
        members.remove(one, room.room_id, target)
    with refused(ErrorCode.permission_denied):
        members.hand_over(one, room.room_id, HandOver(member_id=target))


def test_the_owner_acts_on_present_members_of_the_room_only() -> None:
    owner, other = people(2)
    room, elsewhere = channel_with(owner), channel_with(other)
    with refused(ErrorCode.state_conflict):
        members.remove(owner, room.room_id, room.member_id)
    for target in (uuid4(), elsewhere.member_id):
        with refused(ErrorCode.member_not_found):
            members.remove(owner, room.room_id, target)
        with refused(ErrorCode.member_not_found):
            members.update(owner, room.room_id, target, UpdateMember(silenced_until=None))
        with refused(ErrorCode.member_not_found):
            members.hand_over(owner, room.room_id, HandOver(member_id=target))


def test_a_direct_room_has_no_owner() -> None:
    minji, junho = people(2)
    room = direct(minji, junho)
    with refused(ErrorCode.permission_denied):
        members.remove(minji, room.room_id, member_id(junho, room.room_id))


# Removal


def test_a_removed_member_is_out_at_once_and_told_why(monkeypatch: pytest.MonkeyPatch) -> None:
    owner, other = people(2)
    room = channel_with(owner, other)
    target = member_id(other, room.room_id)
    published = Published(monkeypatch)
    shown = members.remove(owner, room.room_id, target).member
    assert (shown.member_id, shown.is_active) == (target, False)
    left, saying = published.log(room.room_id)
    assert (left.leaver, left.reason) == (target, "removed")
    assert orjson.loads(saying.payload)["data"]["message"]["system"]["kind"] == "member_removed"
    assert len(published.told(other)) == 1
    with refused(ErrorCode.room_not_found):
        rooms.get(other, room.room_id)
    with refused(ErrorCode.room_not_found):
        say(other, room.room_id)
    with refused(ErrorCode.member_not_found):
        members.remove(owner, room.room_id, target)


def test_removing_someone_who_leaves_meanwhile_happens_once(app: Flask) -> None:
    owner, other = people(2)
    room = channel_with(owner, other)
    target = member_id(other, room.room_id)
    at_once(app, [lambda: members.remove(owner, room.room_id, target), lambda: rooms.leave(other, room.room_id)])
    assert rooms.get(owner, room.room_id).head_seq == 4, "one departure takes two numbers"


# The owner


def test_a_room_has_one_owner_after_it_is_handed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    owner, other = people(2)
    room = channel_with(owner, other)
    heir = member_id(other, room.room_id)
    published = Published(monkeypatch)
    assert members.hand_over(owner, room.room_id, HandOver(member_id=heir)).role == "member"
    assert {view.member_id for view in directory(owner, room).values() if view.role == "owner"} == {heir}
    events = [orjson.loads(entry.payload) for entry in published.log(room.room_id)]
    assert sorted(event["data"]["member"]["role"] for event in events[:2]) == ["member", "owner"]
    assert events[2]["data"]["message"]["system"] == {"kind": "owner_changed", "params": {"member_id": str(heir)}}
    rooms.leave(owner, room.room_id)


def test_handing_over_to_oneself_changes_nothing() -> None:
    owner = person()
    room = channel_with(owner)
    assert members.hand_over(owner, room.room_id, HandOver(member_id=room.member_id)).head_seq == room.head_seq


def test_handing_over_twice_at_once_leaves_one_owner(app: Flask) -> None:
    owner, one, other = people(3)
    room = channel_with(owner, one, other)
    heirs = [member_id(one, room.room_id), member_id(other, room.room_id)]
    at_once(app, [partial(members.hand_over, owner, room.room_id, HandOver(member_id=heir)) for heir in heirs])
    assert [view.role for view in directory(owner, room).values()].count("owner") == 1


# One's own settings


def test_ones_own_settings_take_no_number(monkeypatch: pytest.MonkeyPatch) -> None:
    owner, other = people(2)
    room = channel_with(owner, other)
    published = Published(monkeypatch)
    until = soon()
    mine = members.update_me(other, room.room_id, UpdateMembership(notification_level="mentions", muted_until=until))
    assert (mine.notification_level, mine.muted_until, mine.head_seq) == ("mentions", until, room.head_seq)
    assert published.items == []
    kept = members.update_me(other, room.room_id, UpdateMembership(notification_level="none"))
    assert kept.muted_until == until, "a field that isn't given stays"
    assert members.update_me(other, room.room_id, UpdateMembership(muted_until=None)).muted_until is None
    assert rooms.get(owner, room.room_id).notification_level == "all"


def test_slow_mode_spares_the_owner() -> None:
    owner, other = people(2)
    room = channel_with(owner, other)
    rooms.update(owner, room.room_id, UpdateRoom(slow_mode_seconds=60))
    say(other, room.room_id)
    with refused(ErrorCode.slow_mode):
        say(other, room.room_id)
    say(owner, room.room_id)
    say(owner, room.room_id)
