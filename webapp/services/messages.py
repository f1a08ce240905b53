"""Sending, reading and changing messages. A plain send goes through group commit; all else locks the room."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from webapp import presenters
from webapp.core.errors import AppError, ErrorCode, refused_field
from webapp.core.ids import time_ordered_id
from webapp.domain import messages as rules
from webapp.domain import rooms as room_rules
from webapp.domain.permissions import Actor, Permission, allows
from webapp.events.types import MessageDeleted
from webapp.repositories import messages
from webapp.repositories.append import NewMessage
from webapp.repositories.messages import Scope
from webapp.schemas.messages import EditMessage, MessageEnvelope, SendMessage
from webapp.services import access, rates, room_log, threads
from webapp.services.access import Access
from webapp.services.group_commit import Sent, SlowModeOn, group_commit
from webapp.services.unit_of_work import UnitOfWork, reading, unit_of_work


def send(actor: Actor, room_id: UUID, body: SendMessage) -> Sent:
    """A member's message enters the log once, whatever is repeated; the same body again is the same message."""

    def attempt() -> Sent:
        new = _new_message(actor, room_id, body)
        if body.thread_id is not None:
            return send_locked(actor, room_id, new, thread_id=body.thread_id)
        try:
            return group_commit.send(room_id, new)
        except SlowModeOn:
            return send_locked(actor, room_id, new)

    return send_once(actor, room_id, body.client_message_id, _digest(body), attempt)


def send_once(
    actor: Actor, room_id: UUID, client_message_id: UUID | None, request_hash: bytes, attempt: Callable[[], Sent]
) -> Sent:
    """A send within the sender's budget; whatever refuses it, a repeat is answered with the message it once made."""
    try:
        rates.spend("send", f"user:{actor.user_id}")
        return attempt()
    except AppError as refusal:
        if client_message_id is None or refusal.code is ErrorCode.unavailable:
            raise
        with reading():
            sent = _repeat(access.access_room(actor, room_id), actor, client_message_id, request_hash)
        if sent is None:
            raise
        return sent


def send_locked(
    actor: Actor, room_id: UUID, new: NewMessage, *, thread_id: UUID | None = None, poll: dict[str, Any] | None = None
) -> Sent:
    """A send that looks at other rows under the room's lock: in slow mode, a reply with its root, a poll."""
    with unit_of_work() as uow:
        room = access.access_room_to_change(uow, actor, room_id)
        stored = _repeat(room, actor, new.client_message_id, new.request_hash)
        if stored is not None:
            return stored
        access.refuse_write(uow, room)
        _refuse_too_soon(uow, room, actor)
        root = None if thread_id is None else threads.access_root(room, thread_id)
        message = room_log.new_message(
            uow,
            room,
            actor,
            message_id=new.message_id,
            content=new.content,
            client_message_id=new.client_message_id,
            request_hash=new.request_hash,
            reply_to_id=new.reply_to_id,
            mentions=list(new.mentions),
            mentions_all=new.mentions_all,
            thread_id=thread_id,
            **({} if poll is None else {"poll": poll}),
        )
        if root is not None:
            threads.follow_reply(uow, room, root, message)
        return Sent(presenters.message(message), created=True)


def get(actor: Actor, room_id: UUID, message_id: UUID) -> MessageEnvelope:
    """One message, as far as the viewer may see it; a deleted one is a tombstone."""
    with reading():
        room = access.access_room(actor, room_id)
        return MessageEnvelope(message=presenters.message(access.access_message(room, message_id)))


def edit(actor: Actor, room_id: UUID, message_id: UUID, body: EditMessage) -> MessageEnvelope:
    """The author may reword a message for fifteen minutes; what it said before is kept for staff."""
    with unit_of_work() as uow:
        room = access.access_room_to_write(uow, actor, room_id)
        message = access.access_message(room, message_id, alive=True, lock=True)
        rules.refuse_unless_own(message.member_id, room.member.member_id)
        rules.refuse_late_edit(message.created_at, uow.now)
        if message.poll is not None:
            raise refused_field("message_id", "poll", "a poll can't be reworded")
        if message.content != body.content:
            messages.keep_version(message, uow.now)
            message.content = body.content
            message.mentions, message.mentions_all = _mentioned(room, body.content)
            message.is_edited = True
            room_log.message_changed(uow, message)
        return MessageEnvelope(message=presenters.message(message))


def delete(actor: Actor, room_id: UUID, message_id: UUID) -> MessageEnvelope:
    """The author may withdraw a message at any time; its place in pages and threads stays."""
    with unit_of_work() as uow:
        room = access.access_room_to_change(uow, actor, room_id)
        message = access.access_message(room, message_id, lock=True)
        rules.refuse_unless_own(message.member_id, room.member.member_id)
        if not message.is_deleted:
            message.is_deleted, message.deleted_at, message.deleted_by = True, uow.now, actor.user_id
            message.is_pinned = False
            room_log.message_changed(uow, message, MessageDeleted)
            threads.recount_root(uow, message)
        return MessageEnvelope(message=presenters.message(message))


def _refuse_too_soon(uow: UnitOfWork, room: Access, actor: Actor) -> None:
    """In slow mode everybody but the owner waits between two messages."""
    if room.room.slow_mode_seconds == 0 or room.member.role == "owner":
        return
    seconds = room.room.slow_mode_seconds
    last = messages.last_sent_at(room.room.room_id, actor.user_id, since=uow.now - timedelta(seconds=seconds))
    wait_ms = room_rules.slow_mode_wait_ms(seconds, last, uow.now)
    if wait_ms:
        raise AppError(ErrorCode.slow_mode, {"slow_mode_seconds": seconds}, retry_after_ms=wait_ms)


def _repeat(room: Access, actor: Actor, client_message_id: UUID, request_hash: bytes) -> Sent | None:
    """The stored message of the same id and body; another body is a conflict."""
    stored = messages.find_by_client_id(room.room.room_id, actor.user_id, client_message_id)
    if stored is None:
        return None
    if stored.request_hash != request_hash:
        raise AppError(ErrorCode.duplicate_conflict)
    return Sent(presenters.message(stored), created=False)


def _digest(body: SendMessage) -> bytes:
    return rules.request_hash(body.model_dump(exclude={"client_message_id"}, exclude_defaults=True))


def _new_message(actor: Actor, room_id: UUID, body: SendMessage) -> NewMessage:
    """Resolve what needs the room's directory or history; a plain text needs neither."""
    mentions: list[UUID] = []
    everyone = False
    if body.file_ids:
        # Nothing can be uploaded yet, so no id names a file of this room.
        raise AppError(ErrorCode.not_found, {"field": "file_ids"})
    if body.reply_to_id is not None or "@" in body.content or "＠" in body.content:
        with reading():
            room = access.access_room(actor, room_id)
            mentions, everyone = _mentioned(room, body.content)
            scope = Scope(room_id, room.visible_from, room.hidden)
            if body.reply_to_id is not None and not messages.exists_in_room(scope, body.reply_to_id):
                raise AppError(ErrorCode.message_not_found, {"field": "reply_to_id"})
    return NewMessage(
        message_id=time_ordered_id(),
        sender_id=actor.user_id,
        content=body.content,
        client_message_id=body.client_message_id or uuid4(),
        request_hash=_digest(body),
        reply_to_id=body.reply_to_id,
        mentions=tuple(mentions),
        mentions_all=everyone,
    )


def _mentioned(room: Access, content: str) -> tuple[list[UUID], bool]:
    """Whom a text mentions, by the names that the room's directory shows."""
    places = rules.mention_candidates(content)
    if not places:
        return [], False
    names = list({name for prefixes in places for name in prefixes})
    everyone = allows(room.member.role, Permission.mention_all) and rules.mentions_everyone(places)
    return rules.resolved_mentions(places, presenters.mentioned(room.room, names)), everyone
