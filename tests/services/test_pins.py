from __future__ import annotations

import pytest
from flask import Flask

from tests.services.room_scenes import at_once, channel_with, people, refused, say
from webapp.core.errors import ErrorCode
from webapp.domain import limits
from webapp.schemas.base import Page
from webapp.schemas.rooms import UpdateRoom
from webapp.services import history, pins, rooms

pytestmark = pytest.mark.usefixtures("context")


def test_a_room_pins_fifty_messages_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "PINS", 2)
    owner, minsu = people(2)
    room_id = channel_with(owner, minsu).room_id
    first, second, third = (say(owner, room_id, content) for content in ("하나", "둘", "셋"))

    pins.pin(minsu, room_id, first.message_id)
    pinned = pins.pin(minsu, room_id, third.message_id).message
    with refused(ErrorCode.limit_reached):
        pins.pin(minsu, room_id, second.message_id)
    before = rooms.get(owner, room_id).head_seq
    assert pins.pin(owner, room_id, third.message_id).message == pinned
    assert rooms.get(owner, room_id).head_seq == before, "what is pinned already takes no number"
    assert [message.content for message in history.pins(minsu, room_id, Page()).messages] == ["셋", "하나"]

    pins.unpin(owner, room_id, third.message_id)
    assert [message.content for message in history.pins(minsu, room_id, Page()).messages] == ["하나"]
    assert not pins.unpin(owner, room_id, second.message_id).message.is_pinned


def test_at_once_no_more_than_fifty_are_pinned(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "PINS", 3)
    (minsu,) = people(1)
    room_id = channel_with(minsu).room_id
    ids = [say(minsu, room_id).message_id for _ in range(8)]

    at_once(app, [lambda message_id=message_id: pins.pin(minsu, room_id, message_id) for message_id in ids])

    assert len(history.pins(minsu, room_id, Page()).messages) == 3


def test_nothing_is_pinned_in_a_frozen_room() -> None:
    (minsu,) = people(1)
    room_id = channel_with(minsu).room_id
    message = say(minsu, room_id)
    rooms.update(minsu, room_id, UpdateRoom(is_frozen=True))
    with refused(ErrorCode.room_frozen):
        pins.pin(minsu, room_id, message.message_id)
