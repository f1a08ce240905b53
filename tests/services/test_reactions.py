from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

import orjson
import pytest
from flask import Flask

from tests.services.room_scenes import Published, at_once, channel_with, member_id, people, refused, say
from webapp.core.errors import ErrorCode
from webapp.domain import limits
from webapp.domain.permissions import Actor
from webapp.schemas.messages import MessageEnvelope, ReactorsQuery
from webapp.schemas.rooms import UpdateRoom
from webapp.services import messages, reactions, rooms

pytestmark = pytest.mark.usefixtures("context")


def head(actor: Actor, room_id: UUID) -> int:
    return rooms.get(actor, room_id).head_seq


def adding(actor: Actor, room_id: UUID, message_id: UUID, emoji: str) -> Callable[[], MessageEnvelope]:
    return lambda: reactions.add(actor, room_id, message_id, emoji)


def test_a_reaction_is_counted_and_told_to_the_room(monkeypatch: pytest.MonkeyPatch) -> None:
    minsu, jiyoung = people(2)
    room_id = channel_with(minsu, jiyoung).room_id
    message = say(minsu, room_id)
    published = Published(monkeypatch)

    shown = reactions.add(jiyoung, room_id, message.message_id, "👍").message

    mine = member_id(jiyoung, room_id)
    assert shown.reactions["👍"].count == 1
    assert shown.reactions["👍"].member_ids == [mine]
    assert shown.changed_seq == head(minsu, room_id) == message.seq + 1
    (entry,) = published.log(room_id)
    event = orjson.loads(entry.payload)
    assert (event["type"], event["seq"], event["after"]) == ("reaction_added", message.seq + 1, message.seq)
    assert event["data"] == {
        "message_id": str(message.message_id), "member_id": str(mine), "emoji": "👍", "count": 1
    }  # fmt: skip
    assert (entry.born, entry.sender) == (message.seq, message.member_id)


def test_a_repeated_reaction_takes_no_number(monkeypatch: pytest.MonkeyPatch) -> None:
    (minsu,) = people(1)
    room_id = channel_with(minsu).room_id
    message = say(minsu, room_id)
    reactions.add(minsu, room_id, message.message_id, "❤")
    before = head(minsu, room_id)
    published = Published(monkeypatch)

    again = reactions.add(minsu, room_id, message.message_id, "❤️").message

    assert head(minsu, room_id) == before
    assert {emoji: view.count for emoji, view in again.reactions.items()} == {"❤️": 1}
    assert published.log(room_id) == []


def test_a_reaction_can_be_taken_back(monkeypatch: pytest.MonkeyPatch) -> None:
    minsu, jiyoung = people(2)
    room_id = channel_with(minsu, jiyoung).room_id
    message = say(minsu, room_id)
    for actor in (minsu, jiyoung):
        reactions.add(actor, room_id, message.message_id, "🎉")
    published = Published(monkeypatch)

    left = reactions.remove(minsu, room_id, message.message_id, "🎉").message
    reactions.remove(minsu, room_id, message.message_id, "🎉")
    gone = reactions.remove(jiyoung, room_id, message.message_id, "🎉").message

    assert left.reactions["🎉"].member_ids == [member_id(jiyoung, room_id)]
    assert gone.reactions == {}
    told = [orjson.loads(entry.payload) for entry in published.log(room_id)]
    assert [(event["type"], event["data"]["count"]) for event in told] == [
        ("reaction_removed", 1),
        ("reaction_removed", 0),
    ]


def test_twenty_members_react_at_once_and_none_is_lost(app: Flask) -> None:
    members = people(20)
    room_id = channel_with(*members).room_id
    message = say(members[0], room_id)
    before = head(members[0], room_id)
    calls = [
        adding(actor, room_id, message.message_id, "👍" if number % 2 else "🎉") for number, actor in enumerate(members)
    ]

    answers = at_once(app, calls)

    assert all(isinstance(answer, MessageEnvelope) for answer in answers)
    shown = messages.get(members[0], room_id, message.message_id).message
    chosen = {emoji: (view.count, set(view.member_ids)) for emoji, view in shown.reactions.items()}
    ids = [member_id(actor, room_id) for actor in members]
    assert chosen == {"👍": (10, set(ids[1::2])), "🎉": (10, set(ids[0::2]))}
    assert head(members[0], room_id) == before + 20


def test_one_member_reacting_from_many_devices_counts_once(app: Flask) -> None:
    (minsu,) = people(1)
    room_id = channel_with(minsu).room_id
    message = say(minsu, room_id)

    at_once(app, [adding(minsu, room_id, message.message_id, "👍")] * 10)

    assert messages.get(minsu, room_id, message.message_id).message.reactions["👍"].count == 1
    assert head(minsu, room_id) == message.seq + 1


def test_a_message_carries_fifty_distinct_emoji_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "DISTINCT_REACTIONS", 2)
    minsu, jiyoung = people(2)
    room_id = channel_with(minsu, jiyoung).room_id
    message = say(minsu, room_id)
    for emoji in "👍🎉":
        reactions.add(minsu, room_id, message.message_id, emoji)

    with refused(ErrorCode.limit_reached):
        reactions.add(minsu, room_id, message.message_id, "😀")

    assert reactions.add(jiyoung, room_id, message.message_id, "👍").message.reactions["👍"].count == 2


def test_when_one_of_the_shown_leaves_the_next_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "REACTORS_SHOWN", 2)
    members = people(3)
    room_id = channel_with(*members).room_id
    message = say(members[0], room_id)
    for actor in members:
        shown = reactions.add(actor, room_id, message.message_id, "👍").message
    ids = [member_id(actor, room_id) for actor in members]
    assert (shown.reactions["👍"].count, shown.reactions["👍"].member_ids) == (3, ids[:2])

    left = reactions.remove(members[0], room_id, message.message_id, "👍").message

    assert (left.reactions["👍"].count, left.reactions["👍"].member_ids) == (2, ids[1:])


def test_nobody_reacts_where_they_may_not_write_or_see() -> None:
    minsu, stranger = people(2)
    room_id = channel_with(minsu).room_id
    message = say(minsu, room_id)
    gone = say(minsu, room_id)
    messages.delete(minsu, room_id, gone.message_id)

    with refused(ErrorCode.room_not_found):
        reactions.add(stranger, room_id, message.message_id, "👍")
    with refused(ErrorCode.message_deleted):
        reactions.add(minsu, room_id, gone.message_id, "👍")
    with refused(ErrorCode.validation_failed):
        reactions.add(minsu, room_id, message.message_id, "좋아요")
    rooms.update(minsu, room_id, UpdateRoom(is_frozen=True))
    with refused(ErrorCode.room_frozen):
        reactions.add(minsu, room_id, message.message_id, "👍")


def test_reactors_are_listed_page_by_page() -> None:
    members = people(5)
    room_id = channel_with(*members).room_id
    message = say(members[0], room_id)
    for actor in members:
        reactions.add(actor, room_id, message.message_id, "👍")
    reactions.add(members[0], room_id, message.message_id, "🎉")

    found, cursor = [], None
    while True:
        page = reactions.list_reactors(members[0], room_id, message.message_id, ReactorsQuery(limit=2, cursor=cursor))
        found += [(row.emoji, row.member_id) for row in page.reactions]
        cursor = page.next_cursor
        if cursor is None:
            break

    assert len(found) == len(set(found)) == 6
    assert {who for emoji, who in found if emoji == "👍"} == {member_id(actor, room_id) for actor in members}
    only = reactions.list_reactors(members[0], room_id, message.message_id, ReactorsQuery(emoji="🎉"))
    assert [row.emoji for row in only.reactions] == ["🎉"]
