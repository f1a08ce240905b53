from __future__ import annotations

import threading
from uuid import UUID, uuid4

import pytest
from flask import Flask
from sqlalchemy import text, update

from tests.factories import TestUser, make_direct_room, make_matching_room, make_team_room, make_user
from tests.services.room_scenes import channel_with, member_id, people, refused, say
from webapp.core.errors import ErrorCode
from webapp.core.extensions import db
from webapp.domain.permissions import Actor
from webapp.models.room import Room
from webapp.repositories import rooms as room_rows
from webapp.schemas.base import Page
from webapp.schemas.messages import EditMessage, History, MessageView, SendMessage
from webapp.schemas.rooms import CreateInvitation, MarkRead
from webapp.services import blocks, history, invitations, messages, pins, reactions, read_state, rooms

pytestmark = pytest.mark.usefixtures("context")


def read(actor: Actor, room_id: UUID, **query: object) -> list[int]:
    return [m.seq for m in history.page(actor, room_id, History.model_validate(query)).parsed().messages]


def reply(actor: Actor, root: MessageView, content: str = "답") -> MessageView:
    return messages.send(actor, root.room_id, SendMessage(content=content, thread_id=root.message_id)).message


def invited(owner: TestUser, room_id: UUID, person: TestUser) -> None:
    code = invitations.create(owner.actor, room_id, CreateInvitation()).code
    invitations.accept(person.actor, code)


def conversation(actor: Actor, room_id: UUID) -> list[int]:
    """A timeline with gaps: replies, reactions and edits take numbers in between. Its numbers, in order."""
    for turn in range(6):
        root = say(actor, room_id, f"{turn}")
        reactions.add(actor, room_id, root.message_id, "👍")
        if turn % 2:
            reply(actor, root)
            messages.edit(actor, room_id, root.message_id, EditMessage(content="고침"))
    statement = text("SELECT seq FROM chat_messages WHERE room_id = :room_id AND thread_id IS NULL ORDER BY seq")
    return list(db.session.execute(statement, {"room_id": room_id}).scalars())


def test_the_newest_page_is_oldest_first_without_replies() -> None:
    (minsu,) = people(1)
    room_id = channel_with(minsu).room_id
    timeline = conversation(minsu, room_id)

    page = history.page(minsu, room_id, History(limit=4)).parsed()

    assert [m.seq for m in page.messages] == timeline[-4:]
    assert (page.has_more_before, page.has_more_after) == (True, False)
    assert page.head_seq == rooms.get(minsu, room_id).head_seq > timeline[-1]
    assert page.epoch == room_rows.epoch()


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 100])
def test_every_page_is_a_stretch_of_the_timeline(limit: int) -> None:
    """At each number, also those of replies and gaps, and past both ends."""
    (minsu,) = people(1)
    room_id = channel_with(minsu).room_id
    timeline = conversation(minsu, room_id)

    for seq in range(timeline[-1] + 4):
        below = [number for number in timeline if number < seq]
        from_it_on = [number for number in timeline if number >= seq]
        past = [number for number in timeline if number > seq]

        before = history.page(minsu, room_id, History(before_seq=seq, limit=limit)).parsed()
        assert [m.seq for m in before.messages] == below[-limit:]
        assert (before.has_more_before, before.has_more_after) == (len(below) > limit, bool(from_it_on))

        after = history.page(minsu, room_id, History(after_seq=seq, limit=limit)).parsed()
        assert [m.seq for m in after.messages] == past[:limit]
        assert (after.has_more_before, after.has_more_after) == (len(timeline) > len(past), len(past) > limit)

        around = history.page(minsu, room_id, History(around_seq=seq, limit=limit)).parsed()
        found = [m.seq for m in around.messages]
        first = timeline.index(found[0])
        assert found == timeline[first : first + len(found)]
        assert len(found) == min(limit, len(timeline)), "a page is full as long as there are messages"
        assert (from_it_on or timeline)[0 if from_it_on else -1] in found, "the place asked for is on the page"
        assert (around.has_more_before, around.has_more_after) == (first > 0, first + len(found) < len(timeline))


def test_a_room_without_messages_has_an_empty_page() -> None:
    minsu, jiyoung = make_user(), make_user()
    room_id = make_direct_room(minsu, jiyoung)
    for query in ({}, {"before_seq": 0}, {"after_seq": 5}, {"around_seq": 3}, {"around": "first_unread"}):
        page = history.page(minsu.actor, room_id, History.model_validate(query)).parsed()
        assert (page.messages, page.has_more_before, page.has_more_after) == ([], False, False)


def test_the_page_around_the_first_unread_message() -> None:
    owner, minsu = people(2)
    room_id = channel_with(owner, minsu).room_id
    said = [say(owner, room_id, f"{n}") for n in range(6)]
    read_state.read(minsu, room_id, MarkRead(seq=said[1].seq))
    messages.delete(owner, room_id, said[2].message_id)
    say(minsu, room_id, "내 말")

    around = read(minsu, room_id, around="first_unread", limit=2)

    assert around == [said[2].seq, said[3].seq], "neither the deleted nor one's own is unread"
    read_state.read(minsu, room_id, MarkRead(seq=10**9))
    assert read(minsu, room_id, around="first_unread", limit=3) == read(minsu, room_id, limit=3)


def test_history_begins_where_the_view_begins() -> None:
    owner, minsu = make_user(), make_user()
    room_id = make_team_room(owner, visibility="private")
    old = say(owner.actor, room_id, "@all 옛말")
    pins.pin(owner.actor, room_id, old.message_id)
    invited(owner, room_id, minsu)
    new = reply(owner.actor, old, "새 답")
    said = say(owner.actor, room_id, "새 말")

    view = rooms.get(minsu.actor, room_id).visible_from_seq
    page = history.page(minsu.actor, room_id, History()).parsed()
    assert old.seq < view <= page.messages[0].seq
    assert not page.has_more_before
    assert page.messages[-1] == messages.get(minsu.actor, room_id, said.message_id).message
    assert read(minsu.actor, room_id, before_seq=old.seq + 1) == []
    assert history.pins(minsu.actor, room_id, Page()).messages == []
    assert history.my_mentions(minsu.actor, Page()).messages == []
    with refused(ErrorCode.message_not_found):
        messages.get(minsu.actor, room_id, old.message_id)
    with refused(ErrorCode.message_not_found):
        history.thread(minsu.actor, room_id, old.message_id, History()).parsed()
    with refused(ErrorCode.message_not_found):
        messages.send(minsu.actor, room_id, SendMessage(content="?", reply_to_id=old.message_id))
    assert messages.get(minsu.actor, room_id, new.message_id).message.content == "새 답"


def test_a_blocked_label_is_hidden_from_the_blocker_alone() -> None:
    one, friend, other, rest = (make_user() for _ in range(4))
    room_id = make_matching_room([one, friend], [other, rest])
    theirs = member_id(other.actor, room_id)
    root = say(friend.actor, room_id, "뿌리")
    hidden = say(other.actor, room_id, "숨을 말")
    pins.pin(rest.actor, room_id, hidden.message_id)
    reply(other.actor, root, "숨을 답")
    reply(rest.actor, root, "보일 답")
    blocks.block_member(one.actor, room_id, theirs)

    shown = history.page(one.actor, room_id, History()).parsed()
    assert [m.content for m in shown.messages if m.system is None] == ["뿌리"]
    assert any(m.system for m in shown.messages), "what the server says stays"
    assert [m.content for m in history.thread(one.actor, room_id, root.message_id, History()).parsed().messages] == [
        "보일 답"
    ]
    assert history.pins(one.actor, room_id, Page()).messages == []
    with refused(ErrorCode.message_not_found):
        messages.get(one.actor, room_id, hidden.message_id)
    with refused(ErrorCode.message_not_found):
        history.thread(one.actor, room_id, hidden.message_id, History()).parsed()
    for viewer in (friend, other, rest):
        assert hidden.seq in read(viewer.actor, room_id)


def test_a_person_blocked_by_a_label_is_hidden_in_the_direct_room_too() -> None:
    one, other = make_user(), make_user()
    blind = make_matching_room([one, make_user()], [other, make_user()])
    blocks.block_member(one.actor, blind, member_id(other.actor, blind))
    direct = make_direct_room(one, other)
    hidden = say(other.actor, direct, "들려요?")

    assert read(one.actor, direct) == []
    assert read(one.actor, direct, around="first_unread") == []
    assert read(other.actor, direct) == [hidden.seq]


def test_only_present_members_read() -> None:
    owner, minsu, stranger = people(3)
    room_id = channel_with(owner, minsu).room_id
    say(owner, room_id)
    rooms.leave(minsu, room_id)
    for actor in (minsu, stranger):
        with refused(ErrorCode.room_not_found):
            history.page(actor, room_id, History()).parsed()
        with refused(ErrorCode.room_not_found):
            history.pins(actor, room_id, Page())
    with refused(ErrorCode.room_not_found):
        history.page(owner, uuid4(), History()).parsed()
    db.session.execute(update(Room).where(Room.room_id == room_id).values(is_active=False))
    db.session.commit()
    with refused(ErrorCode.room_not_found):
        history.page(owner, room_id, History()).parsed()


def test_nothing_at_or_below_the_floor_is_shown() -> None:
    (owner,) = people(1)
    room_id = channel_with(owner).room_id
    said = [say(owner, room_id, f"{n}") for n in range(4)]
    db.session.execute(update(Room).where(Room.room_id == room_id).values(floor_seq=said[1].seq))
    db.session.commit()
    assert read(owner, room_id) == [said[2].seq, said[3].seq]
    with refused(ErrorCode.message_not_found):
        messages.get(owner, room_id, said[1].message_id)


def test_head_and_rows_are_of_one_instant(app: Flask) -> None:
    """While others send, the newest row of a page is its head: neither is ahead of the other."""
    writers = people(3)
    room_id = channel_with(*writers).room_id
    stop = threading.Event()

    def write(actor: Actor) -> None:
        with app.app_context():
            while not stop.is_set():
                messages.send(actor, room_id, SendMessage(content="계속"))
            db.session.remove()

    running = [threading.Thread(target=write, args=[actor]) for actor in writers]
    for thread in running:
        thread.start()
    heads = set()
    try:
        while len(heads) < 50:
            page = history.page(writers[0], room_id, History(limit=3)).parsed()
            heads.add(page.head_seq)
            assert page.messages[-1].seq == page.head_seq
    finally:
        stop.set()
        for thread in running:
            thread.join()
