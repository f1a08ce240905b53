"""Real ids for generated requests: a person with rooms of every kind, so that calls reach further than "not found"."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from flask import Flask

from tests.factories import (
    TestUser,
    make_direct_room,
    make_matching_room,
    make_team_room,
    make_user,
    say,
)
from webapp.schemas.base import Page
from webapp.schemas.messages import CreatePoll
from webapp.schemas.rooms import CreateInvitation
from webapp.services import invitations, members, polls, rooms

# A call may give one of them; a document can't say so, nor what a cursor is made of.
PLACES_OF_HISTORY = ("before_seq", "after_seq", "around_seq", "around")


@dataclass(frozen=True)
class Place:
    """A room with what lies in it, by the names that parameters and fields have."""

    ids: dict[str, list[str]]


@dataclass(frozen=True)
class World:
    """Whose requests they are, and the places that they may be about."""

    me: TestUser
    places: list[Place]
    _turns: itertools.count[int] = field(default_factory=itertools.count)

    def placed(self, *parts: Any) -> list[Any]:
        """The parts of a request, three times in four with the ids of one place put in where a field names one."""
        turn = next(self._turns)
        if turn % 4 == 3:
            return list(parts)
        place = self.places[turn % len(self.places)]
        return [_placed(part, place, turn) for part in parts]


def _placed(part: Any, place: Place, turn: int) -> Any:
    if not isinstance(part, Mapping):
        return part
    refused = {"cursor", *[name for name in PLACES_OF_HISTORY if name in part][1:]}
    known: dict[str, str | list[str]] = {name: ids[turn % len(ids)] for name, ids in place.ids.items() if name in part}
    if "user_ids" in part:
        known["user_ids"] = place.ids["user_id"]
    return {**{name: value for name, value in part.items() if name not in refused}, **known}


def make_world(app: Flask) -> World:
    """A person in a team channel, a direct room and a blind room, each with messages, replies and a poll."""
    with app.app_context():
        me, other, third, stranger = (make_user() for _ in range(4))
        channel = make_team_room(me, other, third)
        direct = make_direct_room(me, other)
        blind = make_matching_room([me, other], [third, stranger])
        places = [_place(me, other, room_id) for room_id in (channel, direct, blind)]
        of_channel = {name: places[0].ids[name] for name in ("team_id", "code")}
        return World(me, [Place({**of_channel, **place.ids}) for place in places])


def _place(me: TestUser, other: TestUser, room_id: Any) -> Place:
    mine, theirs = say(me, room_id, "첫 메시지"), say(other, room_id, "답장할 메시지")
    say(me, room_id, "답글", thread_id=theirs.message_id)
    poll = polls.create(me.actor, room_id, CreatePoll(question="점심?", options=["김밥", "라면"])).message
    directory = members.list_members(me.actor, room_id, Page())
    ids = {
        "room_id": [room_id],
        "message_id": [mine.message_id, theirs.message_id, poll.message_id],
        "thread_id": [theirs.message_id],
        "reply_to_id": [mine.message_id],
        "member_id": [member.member_id for member in directory.members],
        "user_id": [other.user_id],
        "emoji": ["👍", "❤️"],
    }
    room = rooms.get(me.actor, room_id)
    if room.team_id is not None:
        ids["team_id"] = [room.team_id]
        ids["code"] = [invitations.create(me.actor, room_id, CreateInvitation(max_uses=100)).code]
    return Place({name: [str(value) for value in values] for name, values in ids.items()})
