from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import event

from tests.services.room_scenes import (
    block,
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
from webapp.core.extensions import db
from webapp.domain.permissions import Actor
from webapp.models.member import Member
from webapp.models.room import Room
from webapp.schemas.messages import SendMessage
from webapp.schemas.rooms import RoomsQuery
from webapp.services import messages, rooms
from webapp.services.matching_rooms import open_room

pytestmark = pytest.mark.usefixtures("context")


def listed(actor: Actor, **query: object) -> list[UUID]:
    return [room.room_id for room in rooms.list_rooms(actor, RoomsQuery.model_validate(query)).parsed().rooms]


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
        page = rooms.list_rooms(minji, RoomsQuery(cursor=cursor, limit=2)).parsed()
        walked += [room.room_id for room in page.rooms]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert walked == order


@pytest.mark.parametrize("cursor", ["x", "é", "W10", "WyJhIiwiYiJd", "WzEsMl0=", "bnVsbA"])
def test_a_cursor_of_ones_own_making_is_refused(cursor: str) -> None:
    with refused(ErrorCode.validation_failed):
        rooms.list_rooms(person(), RoomsQuery(cursor=cursor)).parsed()


def test_the_list_can_be_of_one_type() -> None:
    owner, other = people(2)
    team_room, pair = channel_with(owner, other), direct(owner, other)
    assert listed(owner, room_type="team") == [team_room.room_id]
    assert listed(owner, room_type="direct") == [pair.room_id]


def test_the_list_shows_a_room_as_the_room_shows_itself() -> None:
    owner, other = people(2)
    room = channel_with(owner, other)
    say(other, room.room_id, "내일 봐요")
    (shown,) = rooms.list_rooms(owner, RoomsQuery()).parsed().rooms
    assert shown == rooms.get(owner, room.room_id)
    assert shown.last_message is not None
    assert shown.last_message.content == "내일 봐요"


def test_a_thread_reply_is_no_last_message() -> None:
    owner, other = people(2)
    room = channel_with(owner, other)
    root = say(owner, room.room_id, "뿌리")
    messages.send(other, room.room_id, SendMessage(content="답글", thread_id=root.message_id))
    (shown,) = rooms.list_rooms(owner, RoomsQuery()).parsed().rooms
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
    shown = {room.room_id: room.last_message for room in rooms.list_rooms(minji, RoomsQuery()).parsed().rooms}
    newest = shown[blind]
    assert newest is not None
    assert newest.content == "보이는 말"
    assert shown[pair.room_id] is None
    other_view = {room.room_id: room.last_message for room in rooms.list_rooms(omar, RoomsQuery()).parsed().rooms}[
        blind
    ]
    assert other_view is not None
    assert other_view.content == "숨긴 말"


def test_the_list_begins_where_ones_view_of_a_room_begins() -> None:
    owner, other = people(2)
    room = channel_with(owner, other)
    say(owner, room.room_id, "이전 이야기")
    row = db.session.query(Member).filter_by(room_id=room.room_id, user_id=other.user_id).one()
    row.visible_from_seq = 99
    db.session.commit()
    assert rooms.list_rooms(other, RoomsQuery()).parsed().rooms[0].last_message is None
    row.visible_from_seq = 0
    db.session.get_one(Room, room.room_id).floor_seq = 99
    db.session.commit()
    assert rooms.list_rooms(other, RoomsQuery()).parsed().rooms[0].last_message is None


def test_the_list_costs_few_queries_however_long() -> None:
    minji, *others = people(8)
    for other in others:
        say(other, direct(minji, other).room_id)
    asked: list[str] = []
    listener = lambda *args: asked.append(args[2])  # noqa: E731
    event.listen(db.engine, "before_cursor_execute", listener)
    try:
        assert len(rooms.list_rooms(minji, RoomsQuery(limit=100)).parsed().rooms) == 7
    finally:
        event.remove(db.engine, "before_cursor_execute", listener)
    assert len(asked) <= 4


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
