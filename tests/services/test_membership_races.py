from __future__ import annotations

import random
from collections import Counter
from contextlib import suppress
from functools import partial
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import text

from tests.services.room_scenes import at_once, channel_with, member_id, people, say
from webapp.core.errors import AppError
from webapp.core.extensions import db
from webapp.domain.permissions import Actor
from webapp.schemas.rooms import HandOver, MarkRead, UpdateRoom
from webapp.services import members, read_state, rooms, unread

pytestmark = pytest.mark.usefixtures("context")

TURNS = 12


def come_and_go(actor: Actor, room_id: UUID) -> None:
    dice = random.Random(actor.user_id)
    for _ in range(TURNS):
        with suppress(AppError):
            rooms.join(actor, room_id)
            say(actor, room_id)
            if dice.random() < 0.5:
                rooms.leave(actor, room_id)


def rule(actor: Actor, others: list[Actor], room_id: UUID) -> None:
    dice = random.Random(0)
    for turn in range(TURNS):
        with suppress(AppError):
            target = member_id(dice.choice(others), room_id)
            if turn % 4 == 0:
                members.hand_over(actor, room_id, HandOver(member_id=target))
            elif turn % 4 == 1:
                members.remove(actor, room_id, target)
            else:
                rooms.update(actor, room_id, UpdateRoom(is_frozen=turn % 4 == 2))


def read_along(actor: Actor, room_id: UUID) -> None:
    for turn in range(TURNS):
        with suppress(AppError):
            read_state.read(actor, room_id, MarkRead(seq=3 * turn))


def count(room_id: UUID) -> None:
    for _ in range(TURNS):
        unread.advance(room_id)


def test_whoever_comes_and_goes_each_number_is_one_rows_and_counts_are_exact(app: Flask) -> None:
    owner, *others = people(5)
    room_id = channel_with(owner, *others).room_id
    calls = [partial(come_and_go, actor, room_id) for actor in others]
    calls += [partial(rule, owner, others, room_id), partial(read_along, owner, room_id), partial(count, room_id)]
    assert at_once(app, calls) == [None] * len(calls)

    head = db.session.execute(text("SELECT last_seq FROM chat_rooms WHERE room_id = :r"), {"r": room_id}).scalar_one()
    numbers = db.session.execute(
        text(
            "SELECT changed_seq FROM chat_messages WHERE room_id = :r UNION ALL "
            "SELECT changed_seq FROM chat_members WHERE room_id = :r AND changed_seq > 0 UNION ALL "
            "SELECT changed_seq FROM chat_rooms WHERE room_id = :r AND changed_seq > 0"
        ),
        {"r": room_id},
    ).scalars()
    used = Counter(numbers)
    assert max(used.values()) == 1
    assert max(used) == head
    owners = db.session.execute(
        text("SELECT count(*) FROM chat_members WHERE room_id = :r AND role = 'owner' AND is_active"), {"r": room_id}
    ).scalar_one()
    assert owners == 1
    db.session.rollback()
    unread.advance(room_id)
    assert unread.repair(room_id) == 0
