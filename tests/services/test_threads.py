from __future__ import annotations

from uuid import UUID

import orjson
import pytest
from flask import Flask
from sqlalchemy import select

from tests.factories import make_team_room, make_user
from tests.services.room_scenes import Published, at_once, channel_with, member_id, people, refused, say
from webapp.core.errors import AppError, ErrorCode
from webapp.core.extensions import db
from webapp.domain.permissions import Actor
from webapp.models.message import Message
from webapp.models.thread_read import ThreadRead
from webapp.schemas.messages import History, MessageView, SendMessage
from webapp.schemas.rooms import MarkRead, UpdateRoom
from webapp.services import history, messages, rooms, threads

pytestmark = pytest.mark.usefixtures("context")


def answer(actor: Actor, room_id: UUID, root: MessageView, content: str = "답") -> MessageView:
    return messages.send(actor, room_id, SendMessage(content=content, thread_id=root.message_id)).message


def root_now(actor: Actor, root: MessageView) -> MessageView:
    return messages.get(actor, root.room_id, root.message_id).message


def followers(root: MessageView) -> set[UUID]:
    db.session.rollback()
    return set(
        db.session.execute(select(ThreadRead.member_id).where(ThreadRead.thread_id == root.message_id)).scalars()
    )


def test_a_reply_and_its_root_take_a_number_each(monkeypatch: pytest.MonkeyPatch) -> None:
    minsu, jiyoung = people(2)
    room_id = channel_with(minsu, jiyoung).room_id
    root = say(minsu, room_id)
    published = Published(monkeypatch)

    reply = answer(jiyoung, room_id, root)

    changed = root_now(minsu, root)
    assert (reply.thread_id, reply.seq, changed.changed_seq) == (root.message_id, root.seq + 1, root.seq + 2)
    assert (changed.reply_count, changed.last_reply_at) == (1, reply.created_at)
    told = [orjson.loads(entry.payload) for entry in published.log(room_id)]
    assert [(event["type"], event["seq"]) for event in told] == [
        ("message", reply.seq),
        ("message_updated", changed.changed_seq),
    ]
    assert rooms.get(minsu, room_id).head_seq == changed.changed_seq


def test_replies_are_in_the_thread_and_not_in_the_timeline() -> None:
    minsu, jiyoung = people(2)
    room_id = channel_with(minsu, jiyoung).room_id
    root, other = say(minsu, room_id, "뿌리"), say(minsu, room_id, "다른 말")
    replies = [answer(jiyoung, room_id, root, f"{n}") for n in range(3)]
    answer(minsu, room_id, other)

    timeline = history.page(minsu, room_id, History()).parsed().messages
    assert [m.content for m in timeline if m.system is None] == ["뿌리", "다른 말"]
    page = history.thread(minsu, room_id, root.message_id, History(limit=2)).parsed()
    assert [m.message_id for m in page.messages] == [reply.message_id for reply in replies[1:]]
    assert (page.has_more_before, page.has_more_after) == (True, False)
    older = history.thread(minsu, room_id, root.message_id, History(before_seq=page.messages[0].seq)).parsed()
    assert [m.message_id for m in older.messages] == [replies[0].message_id]


def test_a_thread_hangs_on_a_living_message_of_the_timeline() -> None:
    owner, minsu = people(2)
    room_id = channel_with(owner, minsu).room_id
    root = say(owner, room_id)
    reply = answer(minsu, room_id, root)
    rooms.update(owner, room_id, UpdateRoom(room_name="새 이름"))
    system = next(m for m in history.page(owner, room_id, History()).parsed().messages if m.system is not None)

    for no_root in (reply, system):
        with refused(ErrorCode.validation_failed):
            answer(owner, room_id, no_root)
        with refused(ErrorCode.validation_failed):
            threads.mark_read(owner, room_id, no_root.message_id, MarkRead(seq=1))
    messages.delete(owner, room_id, root.message_id)
    with refused(ErrorCode.message_deleted):
        answer(minsu, room_id, root)
    assert [m.message_id for m in history.thread(minsu, room_id, root.message_id, History()).parsed().messages] == [
        reply.message_id
    ], "replies outlive their root"


def test_a_thread_of_another_room_is_not_there() -> None:
    minsu, jiyoung = people(2)
    room_id, elsewhere = channel_with(minsu, jiyoung).room_id, channel_with(jiyoung).room_id
    root = say(jiyoung, elsewhere)
    with refused(ErrorCode.message_not_found):
        answer(minsu, room_id, root)
    with refused(ErrorCode.message_not_found):
        history.thread(minsu, room_id, root.message_id, History()).parsed()
    with refused(ErrorCode.room_not_found):
        history.thread(minsu, elsewhere, root.message_id, History()).parsed()


def test_a_deleted_reply_counts_no_more() -> None:
    minsu, jiyoung = people(2)
    room_id = channel_with(minsu, jiyoung).room_id
    root = say(minsu, room_id)
    first, last = answer(jiyoung, room_id, root), answer(jiyoung, room_id, root)

    messages.delete(jiyoung, room_id, last.message_id)

    changed = root_now(minsu, root)
    assert (changed.reply_count, changed.last_reply_at) == (1, first.created_at)
    messages.delete(jiyoung, room_id, last.message_id)
    assert root_now(minsu, root) == changed
    messages.delete(jiyoung, room_id, first.message_id)
    assert (root_now(minsu, root).reply_count, root_now(minsu, root).last_reply_at) == (0, None)


def test_twenty_replies_at_once_are_all_counted(app: Flask) -> None:
    members = people(20)
    room_id = channel_with(*members).room_id
    root = say(members[0], room_id)

    answers = at_once(app, [lambda actor=actor: answer(actor, room_id, root) for actor in members])

    assert not [error for error in answers if isinstance(error, AppError)]
    assert root_now(members[0], root).reply_count == 20
    assert rooms.get(members[0], room_id).head_seq == root.seq + 40
    numbers = select(Message.seq).where(Message.thread_id == root.message_id).order_by(Message.seq)
    assert list(db.session.execute(numbers).scalars()) == list(range(root.seq + 1, root.seq + 40, 2))


def test_the_author_the_replier_and_the_mentioned_follow() -> None:
    owner, jiyoung, minsu, quiet = make_user(), make_user(), make_user(display_name="민수"), make_user()
    room_id = make_team_room(owner, jiyoung, minsu, quiet)
    root = say(owner.actor, room_id)

    answer(jiyoung.actor, room_id, root, "@민수 어때?")

    assert followers(root) == {member_id(user.actor, room_id) for user in (owner, jiyoung, minsu)}


def test_a_mark_in_a_thread_only_moves_forward() -> None:
    minsu, jiyoung = people(2)
    room_id = channel_with(minsu, jiyoung).room_id
    root = say(minsu, room_id)
    replies = [answer(jiyoung, room_id, root) for _ in range(3)]

    read = threads.mark_read(minsu, room_id, root.message_id, MarkRead(seq=replies[1].seq))
    assert (read.last_read_seq, read.unread_count) == (replies[1].seq, 1)
    back = threads.mark_read(minsu, room_id, root.message_id, MarkRead(seq=replies[0].seq))
    assert (back.last_read_seq, back.unread_count) == (replies[1].seq, 1)
    end = threads.mark_read(minsu, room_id, root.message_id, MarkRead(seq=10**9))
    assert (end.last_read_seq, end.unread_count) == (rooms.get(minsu, room_id).head_seq, 0)
    assert threads.mark_read(jiyoung, room_id, root.message_id, MarkRead(seq=0)).unread_count == 0, "one's own are read"


def test_the_first_unread_reply_is_found() -> None:
    minsu, jiyoung = people(2)
    room_id = channel_with(minsu, jiyoung).room_id
    root = say(minsu, room_id)
    replies = [answer(jiyoung, room_id, root, str(n)) for n in range(6)]
    threads.mark_read(minsu, room_id, root.message_id, MarkRead(seq=replies[2].seq))

    page = history.thread(minsu, room_id, root.message_id, History(around="first_unread", limit=2)).parsed()

    assert [m.content for m in page.messages] == ["2", "3"]
