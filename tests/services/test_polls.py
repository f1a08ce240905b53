from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import orjson
import pytest
from flask import Flask
from pydantic import ValidationError

from tests.factories import make_matching_room, make_user
from tests.services.room_scenes import Published, at_once, channel_with, people, refused, say
from webapp.core import clock
from webapp.core.clock import ManualClock
from webapp.core.errors import AppError, ErrorCode
from webapp.domain.permissions import Actor
from webapp.schemas.messages import CastVotes, CreatePoll, EditMessage, PollView
from webapp.schemas.rooms import UpdateRoom
from webapp.services import messages, polls, rooms

pytestmark = pytest.mark.usefixtures("context")


def ask(actor: Actor, room_id: UUID, **fields: object) -> UUID:
    body = CreatePoll.model_validate({"question": "언제 볼까요?", "options": ["금", "토", "일"], **fields})
    return polls.create(actor, room_id, body).message.message_id


def cast(actor: Actor, room_id: UUID, poll_id: UUID, *option_ids: int) -> PollView:
    poll = polls.vote(actor, room_id, poll_id, CastVotes(option_ids=list(option_ids))).message.poll
    assert poll is not None
    return poll


def counts(poll: PollView) -> list[int]:
    return [option.count for option in poll.options]


def head(actor: Actor, room_id: UUID) -> int:
    return rooms.get(actor, room_id).head_seq


@pytest.fixture
def time() -> ManualClock:
    return ManualClock(datetime.now(UTC))


def test_a_poll_is_a_message_that_plain_clients_can_show() -> None:
    (minsu,) = people(1)
    room_id = channel_with(minsu).room_id

    sent = polls.create(minsu, room_id, CreatePoll(question="언제 볼까요?", options=["금", "토"]))

    assert sent.created
    assert (sent.message.message_type, sent.message.content) == ("text", "언제 볼까요?")
    assert sent.message.poll is not None
    assert [(o.option_id, o.text, o.count) for o in sent.message.poll.options] == [(1, "금", 0), (2, "토", 0)]
    assert sent.message.seq == head(minsu, room_id)


def test_a_vote_takes_the_place_of_the_former_one() -> None:
    minsu, jiyoung = people(2)
    room_id = channel_with(minsu, jiyoung).room_id
    poll_id = ask(minsu, room_id)

    cast(minsu, room_id, poll_id, 1)
    cast(jiyoung, room_id, poll_id, 1)
    changed = cast(jiyoung, room_id, poll_id, 3)
    assert (counts(changed), changed.voter_count) == ([1, 0, 1], 2)

    withdrawn = cast(minsu, room_id, poll_id)
    assert (counts(withdrawn), withdrawn.voter_count) == ([0, 0, 1], 1)


def test_only_a_change_takes_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    (minsu,) = people(1)
    room_id = channel_with(minsu).room_id
    poll_id = ask(minsu, room_id, is_multiple=True)
    cast(minsu, room_id, poll_id, 1, 2)
    before = head(minsu, room_id)
    published = Published(monkeypatch)

    cast(minsu, room_id, poll_id, 2, 1)
    assert (head(minsu, room_id), published.log(room_id)) == (before, [])

    cast(minsu, room_id, poll_id, 2)
    (entry,) = published.log(room_id)
    event = orjson.loads(entry.payload)
    assert (event["type"], event["seq"]) == ("message_updated", before + 1)


def test_votes_never_tell_who_chose_what(monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = make_user(), make_user()
    room_id = make_matching_room([one, make_user()], [other, make_user()])
    published = Published(monkeypatch)
    poll_id = ask(one.actor, room_id)

    cast(other.actor, room_id, poll_id, 2)

    voter = rooms.get(other.actor, room_id).member_id
    payload = published.log(room_id)[-1].payload
    assert str(voter).encode() not in payload
    assert other.user_id.encode() not in payload


def test_twenty_members_vote_at_once_and_none_is_lost(app: Flask) -> None:
    members = people(20)
    room_id = channel_with(*members).room_id
    poll_id = ask(members[0], room_id)
    before = head(members[0], room_id)

    at_once(
        app,
        [
            lambda actor=actor, option=number % 3 + 1: cast(actor, room_id, poll_id, option)
            for number, actor in enumerate(members)
        ],
    )

    poll = messages.get(members[0], room_id, poll_id).message.poll
    assert poll is not None
    assert (counts(poll), poll.voter_count) == ([7, 7, 6], 20)
    assert head(members[0], room_id) == before + 20


def test_a_vote_must_fit_the_poll() -> None:
    (minsu,) = people(1)
    room_id = channel_with(minsu).room_id
    poll_id = ask(minsu, room_id)

    for option_ids in ([4], [0], [1, 4], [1, 2]):
        with refused(ErrorCode.validation_failed):
            cast(minsu, room_id, poll_id, *option_ids)
    with refused(ErrorCode.message_not_found):
        cast(minsu, room_id, say(minsu, room_id).message_id, 1)
    assert cast(minsu, room_id, ask(minsu, room_id, is_multiple=True), 1, 2).voter_count == 1


def test_a_closed_poll_takes_no_votes(time: ManualClock) -> None:
    (minsu,) = people(1)
    room_id = channel_with(minsu).room_id
    former = clock.inject(time)
    try:
        poll_id = ask(minsu, room_id, closes_at=time.now() + timedelta(hours=1))
        cast(minsu, room_id, poll_id, 1)
        time.advance(timedelta(hours=1))
        with refused(ErrorCode.poll_closed):
            cast(minsu, room_id, poll_id, 2)
    finally:
        clock.inject(former)


@pytest.mark.parametrize("hours", [-1, 24 * 366])
def test_a_poll_closes_in_the_future_within_a_year(hours: int) -> None:
    (minsu,) = people(1)
    room_id = channel_with(minsu).room_id
    with refused(ErrorCode.validation_failed):
        ask(minsu, room_id, closes_at=clock.now() + timedelta(hours=hours))


def test_options_differ_and_are_at_least_two() -> None:
    for options in (["금", "금"], ["금", " 금 "], ["금"], [], ["금"] * 21):
        with pytest.raises(ValidationError):
            CreatePoll(question="언제?", options=options)


def test_a_repeated_poll_is_the_same_poll_even_after_it_closed(time: ManualClock) -> None:
    (minsu,) = people(1)
    room_id = channel_with(minsu).room_id
    former = clock.inject(time)
    body = CreatePoll(
        question="언제?", options=["금", "토"], closes_at=time.now() + timedelta(minutes=5), client_message_id=uuid4()
    )
    try:
        first = polls.create(minsu, room_id, body)
        time.advance(timedelta(minutes=10))
        again = polls.create(minsu, room_id, body)
    finally:
        clock.inject(former)

    assert (first.created, again.created) == (True, False)
    assert again.message.message_id == first.message.message_id
    with refused(ErrorCode.duplicate_conflict):
        polls.create(minsu, room_id, body.model_copy(update={"options": ["금", "일"]}))


def test_one_poll_from_ten_threads_is_one_message(app: Flask) -> None:
    (minsu,) = people(1)
    room_id = channel_with(minsu).room_id
    before = head(minsu, room_id)
    body = CreatePoll(question="언제?", options=["금", "토"], client_message_id=uuid4())

    answers = at_once(app, [lambda: polls.create(minsu, room_id, body)] * 10)

    sent = [answer for answer in answers if not isinstance(answer, AppError)]
    assert len({answer.message.message_id for answer in sent}) == 1
    assert [answer.created for answer in sent].count(True) == 1
    assert (len(sent), head(minsu, room_id)) == (10, before + 1)


def test_slow_mode_holds_for_polls_too() -> None:
    owner, minsu = people(2)
    room_id = channel_with(owner, minsu).room_id
    rooms.update(owner, room_id, UpdateRoom(slow_mode_seconds=60))
    say(minsu, room_id)
    with refused(ErrorCode.slow_mode):
        ask(minsu, room_id)


def test_a_poll_is_not_reworded() -> None:
    (minsu,) = people(1)
    room_id = channel_with(minsu).room_id
    poll_id = ask(minsu, room_id)
    with refused(ErrorCode.validation_failed):
        messages.edit(minsu, room_id, poll_id, EditMessage(content="다른 질문"))
