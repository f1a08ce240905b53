from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import orjson
import pytest
from flask import Flask
from sqlalchemy import func, select

from tests.factories import make_direct_room, make_matching_room, make_team_room, make_user
from tests.services.room_scenes import Published, at_once, channel_with, member_id, people, refused, say
from webapp.core import clock
from webapp.core.clock import ManualClock
from webapp.core.errors import AppError, ErrorCode
from webapp.core.extensions import db
from webapp.domain import limits
from webapp.domain.permissions import Actor
from webapp.models.message import Message, MessageVersion
from webapp.schemas.base import Page
from webapp.schemas.messages import CreatePoll, EditMessage, SendMessage
from webapp.schemas.rooms import UpdateMember, UpdateRoom
from webapp.services import blocks, history, members, messages, pins, polls, reactions, rooms
from webapp.services.group_commit import Sent

pytestmark = pytest.mark.usefixtures("context")


@pytest.fixture
def time() -> Iterator[ManualClock]:
    """A clock that stands still."""
    standing = ManualClock(datetime.now(UTC))
    former = clock.inject(standing)
    yield standing
    clock.inject(former)


def head(actor: Actor, room_id: UUID) -> int:
    return rooms.get(actor, room_id).head_seq


def sending(actor: Actor, room_id: UUID, content: str, key: UUID | None = None) -> Callable[[], Sent]:
    return lambda: messages.send(actor, room_id, SendMessage(content=content, client_message_id=key))


def seqs(room_id: UUID) -> list[int]:
    """The numbers of a room's messages, in order."""
    db.session.rollback()
    return list(
        db.session.execute(select(Message.seq).where(Message.room_id == room_id).order_by(Message.seq)).scalars()
    )


def sent_only(answers: list[Sent | AppError]) -> list[Sent]:
    return [answer for answer in answers if not isinstance(answer, AppError)]


# Sending


def test_a_message_takes_the_next_number_and_is_told_to_the_room(monkeypatch: pytest.MonkeyPatch) -> None:
    (minsu,) = people(1)
    room_id = channel_with(minsu).room_id
    before = head(minsu, room_id)
    published = Published(monkeypatch)

    message = say(minsu, room_id, "안녕하세요")

    assert message.seq == message.changed_seq == head(minsu, room_id) == before + 1
    assert messages.get(minsu, room_id, message.message_id).message == message
    (entry,) = published.log(room_id)
    event = orjson.loads(entry.payload)
    assert (event["type"], event["seq"], event["after"]) == ("message", message.seq, before)
    assert event["data"]["message"] == orjson.loads(message.model_dump_json())
    assert (entry.born, entry.sender) == (message.seq, message.member_id)


def test_the_same_send_again_is_the_same_message() -> None:
    (minsu,) = people(1)
    room_id = channel_with(minsu).room_id
    send = sending(minsu, room_id, "안녕", uuid4())

    first, again = send(), send()

    assert (first.created, again.created) == (True, False)
    assert again.message == first.message
    assert head(minsu, room_id) == first.message.seq


def test_another_body_under_the_same_id_is_a_conflict() -> None:
    minsu, jiyoung = people(2)
    room_id, key = channel_with(minsu, jiyoung).room_id, uuid4()
    sending(minsu, room_id, "안녕", key)()

    with refused(ErrorCode.duplicate_conflict):
        sending(minsu, room_id, "다른 말", key)()

    assert sending(jiyoung, room_id, "안녕", key)().created, "an id belongs to its sender"


def test_one_id_from_twenty_threads_is_one_message(app: Flask) -> None:
    (minsu,) = people(1)
    room_id = channel_with(minsu).room_id
    before = head(minsu, room_id)

    answers = sent_only(at_once(app, [sending(minsu, room_id, "한 번만", uuid4())] * 20))

    assert len(answers) == 20
    assert len({answer.message.message_id for answer in answers}) == 1
    assert [answer.created for answer in answers].count(True) == 1
    assert seqs(room_id)[-1] == head(minsu, room_id) == before + 1


@pytest.mark.parametrize("is_slow", [False, True])
def test_one_id_among_sixty_three_strangers_is_one_message(app: Flask, is_slow: bool) -> None:
    owner, *strangers = people(64)
    room_id = channel_with(owner, *strangers).room_id
    if is_slow:
        rooms.update(owner, room_id, UpdateRoom(slow_mode_seconds=60))
    before = head(owner, room_id)
    repeated = [sending(owner, room_id, "한 번만", uuid4())] * 10
    others = [sending(actor, room_id, f"{number}번") for number, actor in enumerate(strangers)]

    answers = sent_only(at_once(app, [*others[:30], *repeated, *others[30:]]))

    assert len(answers) == 73
    numbers = sorted({answer.message.seq for answer in answers})
    assert numbers == list(range(before + 1, before + 65)), "64 messages, without a gap"
    assert [answer.created for answer in answers].count(True) == 64
    assert head(owner, room_id) == before + 64


def test_a_conflict_fails_alone(app: Flask) -> None:
    minsu, *others = people(21)
    room_id, key = channel_with(minsu, *others).room_id, uuid4()
    before = head(minsu, room_id)
    rivals = [sending(minsu, room_id, "하나", key), sending(minsu, room_id, "둘", key)]

    answers = at_once(app, [*rivals, *[sending(actor, room_id, "나도") for actor in others]])

    conflicts = [answer for answer in answers if isinstance(answer, AppError)]
    assert [error.code for error in conflicts] == [ErrorCode.duplicate_conflict]
    assert head(minsu, room_id) == before + 21
    assert len(sent_only(answers)) == 21


def test_everybody_sees_the_same_order(app: Flask) -> None:
    members_of_room = people(10)
    room_id = channel_with(*members_of_room).room_id
    before = head(members_of_room[0], room_id)

    answers = sent_only(at_once(app, [sending(actor, room_id, "동시에") for actor in members_of_room] * 3))

    numbers = sorted(answer.message.seq for answer in answers)
    assert numbers == list(range(before + 1, before + 31))


def test_who_may_not_write_is_told_why(time: ManualClock) -> None:
    owner, minsu, stranger = people(3)
    room_id = channel_with(owner, minsu).room_id
    with refused(ErrorCode.room_not_found):
        say(stranger, room_id)
    members.update(
        owner, room_id, member_id(minsu, room_id), UpdateMember(silenced_until=time.now() + timedelta(hours=1))
    )
    with refused(ErrorCode.member_silenced) as refusal:
        say(minsu, room_id)
    assert refusal.value.retry_after_ms == 3_600_000
    rooms.update(owner, room_id, UpdateRoom(is_frozen=True))
    with refused(ErrorCode.room_frozen):
        say(owner, room_id)


def test_a_blocked_person_gets_no_message_through() -> None:
    minsu, jiyoung = make_user(), make_user()
    room_id = make_direct_room(minsu, jiyoung)
    blocks.block(jiyoung.actor, minsu.user_id)
    for sender in (minsu, jiyoung):
        with refused(ErrorCode.not_accepting_messages):
            say(sender.actor, room_id)


def test_a_repeat_is_answered_whatever_refuses_new_messages() -> None:
    owner, minsu = people(2)
    room_id = channel_with(owner, minsu).room_id
    send = sending(minsu, room_id, "보냈는데 답을 못 받았다", uuid4())
    first = send()
    rooms.update(owner, room_id, UpdateRoom(is_frozen=True))

    again = send()

    assert (again.created, again.message) == (False, first.message)


def test_in_slow_mode_members_wait_between_messages(time: ManualClock) -> None:
    owner, minsu = people(2)
    room_id = channel_with(owner, minsu).room_id
    rooms.update(owner, room_id, UpdateRoom(slow_mode_seconds=30))
    send = sending(minsu, room_id, "하나", uuid4())
    first = send()
    time.advance(timedelta(seconds=10))

    with refused(ErrorCode.slow_mode) as refusal:
        say(minsu, room_id, "둘")
    assert refusal.value.retry_after_ms == 20_000
    assert send().message == first.message, "a repeat doesn't wait"
    assert say(owner, room_id).content, "the owner doesn't wait"
    assert say(owner, room_id).content

    time.advance(timedelta(seconds=20))
    assert say(minsu, room_id, "둘").content == "둘"


def test_a_send_spends_its_budget_and_a_repeat_is_answered_without_one(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    minsu, jiyoung = people(2)
    room_id = channel_with(minsu, jiyoung).room_id
    send = sending(minsu, room_id, "하나", uuid4())
    monkeypatch.setitem(app.config, "FOCUSMATE", replace(app.config["FOCUSMATE"], rate_limit_factor=1 / 60))
    first = send()

    with refused(ErrorCode.rate_limited) as refusal:
        say(minsu, room_id, "둘")
    assert refusal.value.retry_after_ms
    with refused(ErrorCode.rate_limited):
        polls.create(minsu, room_id, CreatePoll(question="언제?", options=["금", "토"]))
    assert send().message == first.message
    assert say(jiyoung, room_id).content, "another person has a budget of their own"


def test_a_quote_must_be_a_message_that_the_sender_sees() -> None:
    owner, minsu = make_user(), make_user()
    room_id = make_team_room(owner, minsu)
    elsewhere = say(owner.actor, make_team_room(owner))
    quoted = say(owner.actor, room_id)

    reply = messages.send(minsu.actor, room_id, SendMessage(content="네", reply_to_id=quoted.message_id)).message

    assert (reply.reply_to_id, reply.thread_id) == (quoted.message_id, None)
    for unseen in (elsewhere.message_id, uuid4()):
        with refused(ErrorCode.message_not_found):
            messages.send(minsu.actor, room_id, SendMessage(content="네", reply_to_id=unseen))


# Editing and deleting


def test_an_edit_keeps_what_was_said_before(monkeypatch: pytest.MonkeyPatch) -> None:
    owner, minsu = make_user(), make_user(display_name="민수")
    room_id = make_team_room(owner, minsu)
    message = say(owner.actor, room_id, "첫 말")
    published = Published(monkeypatch)

    messages.edit(owner.actor, room_id, message.message_id, EditMessage(content="둘째 말 @민수"))
    edited = messages.edit(owner.actor, room_id, message.message_id, EditMessage(content="셋째 말")).message

    assert (edited.content, edited.is_edited, edited.mentions) == ("셋째 말", True, [])
    assert (edited.seq, edited.changed_seq) == (message.seq, message.seq + 2)
    versions = select(MessageVersion.content).order_by(MessageVersion.version)
    assert list(db.session.execute(versions).scalars()) == ["첫 말", "둘째 말 @민수"]
    events = [orjson.loads(entry.payload) for entry in published.log(room_id)]
    assert [event["type"] for event in events] == ["message_updated", "message_updated"]
    assert events[0]["data"]["message"]["mentions"] == [str(member_id(minsu.actor, room_id))]


def test_an_edit_without_a_change_takes_no_number() -> None:
    (minsu,) = people(1)
    room_id = channel_with(minsu).room_id
    message = say(minsu, room_id, "그대로")
    assert not messages.edit(minsu, room_id, message.message_id, EditMessage(content="그대로")).message.is_edited
    assert head(minsu, room_id) == message.seq


def test_only_ones_own_message_is_edited_and_only_for_fifteen_minutes(time: ManualClock) -> None:
    owner, minsu = people(2)
    room_id = channel_with(owner, minsu).room_id
    message = say(minsu, room_id)
    with refused(ErrorCode.permission_denied):
        messages.edit(owner, room_id, message.message_id, EditMessage(content="남의 말"))
    time.advance(limits.EDIT_WINDOW)
    messages.edit(minsu, room_id, message.message_id, EditMessage(content="아직"))
    time.advance(timedelta(seconds=1))
    with refused(ErrorCode.edit_window_passed):
        messages.edit(minsu, room_id, message.message_id, EditMessage(content="늦게"))


def test_a_deleted_message_is_a_tombstone(monkeypatch: pytest.MonkeyPatch) -> None:
    owner, minsu = people(2)
    room_id = channel_with(owner, minsu).room_id
    message = say(minsu, room_id, "지울 말")
    reactions.add(owner, room_id, message.message_id, "👍")
    pins.pin(owner, room_id, message.message_id)
    with refused(ErrorCode.permission_denied):
        messages.delete(owner, room_id, message.message_id)
    published = Published(monkeypatch)

    gone = messages.delete(minsu, room_id, message.message_id).message

    assert (gone.content, gone.reactions, gone.is_deleted, gone.is_pinned) == ("", {}, True, False)
    assert gone.seq == message.seq
    (entry,) = published.log(room_id)
    assert orjson.loads(entry.payload)["type"] == "message_deleted"
    assert "지울 말".encode() not in entry.payload
    assert history.pins(owner, room_id, Page()).messages == []
    assert messages.get(owner, room_id, message.message_id).message == gone


def test_a_tombstone_stays_as_it_is() -> None:
    (minsu,) = people(1)
    room_id = channel_with(minsu).room_id
    message = say(minsu, room_id)
    first = messages.delete(minsu, room_id, message.message_id)
    assert messages.delete(minsu, room_id, message.message_id) == first
    with refused(ErrorCode.message_deleted):
        messages.edit(minsu, room_id, message.message_id, EditMessage(content="되살리기"))


def test_nobody_edits_or_deletes_what_the_server_says() -> None:
    owner, minsu = people(2)
    room_id = channel_with(owner, minsu).room_id
    rooms.update(owner, room_id, UpdateRoom(room_name="새 이름"))
    statement = select(Message.message_id).where(Message.room_id == room_id, Message.message_type == "system")
    system = db.session.execute(statement.limit(1)).scalar_one()
    with refused(ErrorCode.permission_denied):
        messages.edit(owner, room_id, system, EditMessage(content="가로채기"))
    with refused(ErrorCode.permission_denied):
        messages.delete(owner, room_id, system)


# Identity


def test_no_event_and_no_answer_carries_a_user_id(monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = make_user(), make_user()
    room_id = make_matching_room([one, make_user()], [other, make_user()])
    published = Published(monkeypatch)
    message = say(one.actor, room_id, "안녕")
    answers = [
        message,
        messages.edit(one.actor, room_id, message.message_id, EditMessage(content="안녕하세요")),
        reactions.add(other.actor, room_id, message.message_id, "👍"),
        reactions.remove(other.actor, room_id, message.message_id, "👍"),
        pins.pin(other.actor, room_id, message.message_id),
        messages.send(other.actor, room_id, SendMessage(content="네", thread_id=message.message_id)).message,
        messages.delete(one.actor, room_id, message.message_id),
    ]

    payloads = [answer.model_dump_json().encode() for answer in answers]
    payloads += [entry.payload for entry in published.log(room_id)]
    assert len(payloads) == 15
    secrets = [text.encode() for user in (one, other) for text in (user.user_id, user.username, user.display_name)]
    assert not [payload for payload in payloads for secret in secrets if secret in payload]


def test_no_number_belongs_to_two_rows() -> None:
    owner, minsu = people(2)
    room_id = channel_with(owner, minsu).room_id
    root = say(owner, room_id)
    messages.send(minsu, room_id, SendMessage(content="답", thread_id=root.message_id))
    reactions.add(minsu, room_id, root.message_id, "👍")
    pins.pin(minsu, room_id, root.message_id)
    messages.delete(owner, room_id, root.message_id)

    changed = select(func.count(), func.count(Message.changed_seq.distinct()), func.max(Message.changed_seq))
    rows, numbers, last = db.session.execute(changed.where(Message.room_id == room_id)).one()
    assert rows == numbers
    assert last == head(owner, room_id)
