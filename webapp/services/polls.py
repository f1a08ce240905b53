"""Polls: a question as a message, with counts on it and never a word about who chose what."""

from __future__ import annotations

from uuid import UUID, uuid4

from webapp import presenters
from webapp.core import clock
from webapp.core.errors import AppError, ErrorCode
from webapp.core.ids import time_ordered_id
from webapp.domain import messages as message_rules
from webapp.domain import polls as rules
from webapp.domain.permissions import Actor
from webapp.repositories import polls
from webapp.repositories.append import NewMessage
from webapp.schemas.messages import CastVotes, CreatePoll, MessageEnvelope
from webapp.services import access, messages, room_log
from webapp.services.group_commit import Sent
from webapp.services.unit_of_work import unit_of_work


def create(actor: Actor, room_id: UUID, body: CreatePoll) -> Sent:
    """A poll is sent as a message is: once per `client_message_id`, within the same limits."""
    new = NewMessage(
        message_id=time_ordered_id(),
        sender_id=actor.user_id,
        content=body.question,
        client_message_id=body.client_message_id or uuid4(),
        request_hash=message_rules.request_hash({"poll": body.model_dump(exclude={"client_message_id"})}),
    )

    def attempt() -> Sent:
        rules.refuse_closing_time(body.closes_at, clock.now())
        poll = rules.new_poll(body.question, body.options, is_multiple=body.is_multiple, closes_at=body.closes_at)
        return messages.send_locked(actor, room_id, new, poll=poll)

    return messages.send_once(actor, room_id, body.client_message_id, new.request_hash, attempt)


def vote(actor: Actor, room_id: UUID, message_id: UUID, body: CastVotes) -> MessageEnvelope:
    """A member's choice takes the place of their former one until the poll closes; an empty one withdraws it."""
    with unit_of_work() as uow:
        room = access.access_room_to_write(uow, actor, room_id)
        message = access.access_message(room, message_id, alive=True, lock=True)
        if message.poll is None:
            raise AppError(ErrorCode.message_not_found)
        rules.refuse_closed(message.poll, uow.now)
        choice = rules.chosen(message.poll, body.option_ids)
        member_id = room.member.member_id
        former = polls.chosen(message_id, member_id)
        if choice != former:
            polls.replace(message_id, member_id, choice)
            message.poll = rules.recounted(message.poll, former, choice)
            room_log.message_changed(uow, message)
        return MessageEnvelope(message=presenters.message(message))
