"""Threads: one level of replies under a message of the timeline, with a count on the root and a mark per follower."""

from __future__ import annotations

from uuid import UUID

from webapp.core.errors import refused_field
from webapp.domain.permissions import Actor
from webapp.models.message import Message
from webapp.repositories import messages, threads
from webapp.schemas.rooms import MarkRead, ThreadMarksView
from webapp.services import access, room_log
from webapp.services.access import Access
from webapp.services.unit_of_work import UnitOfWork, unit_of_work


def access_root(room: Access, thread_id: UUID) -> Message:
    """The message that a thread hangs on: visible, alive, and itself not a reply."""
    root = access.access_message(room, thread_id, alive=True, lock=True)
    _refuse_unless_root(root)
    return root


def follow_reply(uow: UnitOfWork, room: Access, root: Message, reply: Message) -> None:
    """A reply is counted on its root (its own number), and its author, the root's author and the mentioned follow."""
    root.reply_count += 1
    root.last_reply_at = uow.now
    room_log.message_changed(uow, root)
    followers = {reply.member_id, root.member_id, *reply.mentions} - {None}
    threads.follow(root.message_id, [m for m in followers if m is not None])
    threads.advance(root.message_id, room.member.member_id, reply.seq)


def recount_root(uow: UnitOfWork, reply: Message) -> None:
    """A deleted or restored reply changes its root's count."""
    if reply.thread_id is None:
        return
    root = messages.find(reply.room_id, reply.thread_id, lock=True)
    if root is not None:
        root.reply_count, root.last_reply_at = threads.count_replies(root.message_id)
        room_log.message_changed(uow, root)


def mark_read(actor: Actor, room_id: UUID, thread_id: UUID, body: MarkRead) -> ThreadMarksView:
    """A member's mark in a thread only moves forward; reading a thread follows it."""
    with unit_of_work():
        room = access.access_room(actor, room_id)
        root = access.access_message(room, thread_id)
        _refuse_unless_root(root)
        member_id = room.member.member_id
        threads.follow(root.message_id, [member_id])
        threads.advance(root.message_id, member_id, min(body.seq, room.room.last_seq))
        mark = threads.recount(root.message_id, member_id)
        return ThreadMarksView(
            thread_id=root.message_id, last_read_seq=mark.last_read_seq, unread_count=mark.unread_count
        )


def _refuse_unless_root(message: Message) -> None:
    if message.thread_id is not None or message.message_type == "system":
        raise refused_field("thread_id", "not_in_timeline", "must be a message of the timeline")
