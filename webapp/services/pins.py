"""Pins: what a room keeps at hand."""

from __future__ import annotations

from uuid import UUID

from webapp import presenters
from webapp.core.errors import AppError, ErrorCode
from webapp.domain import limits
from webapp.domain.permissions import Actor
from webapp.repositories import messages
from webapp.schemas.messages import MessageEnvelope
from webapp.services import access, room_log
from webapp.services.unit_of_work import unit_of_work


def pin(actor: Actor, room_id: UUID, message_id: UUID) -> MessageEnvelope:
    """Any member may pin a message, up to fifty in a room; one that is pinned stays as it is."""
    return _set(actor, room_id, message_id, is_pinned=True)


def unpin(actor: Actor, room_id: UUID, message_id: UUID) -> MessageEnvelope:
    """Any member may take a pin away; one that isn't there changes nothing."""
    return _set(actor, room_id, message_id, is_pinned=False)


def _set(actor: Actor, room_id: UUID, message_id: UUID, *, is_pinned: bool) -> MessageEnvelope:
    with unit_of_work() as uow:
        room = access.access_room_to_write(uow, actor, room_id)
        message = access.access_message(room, message_id, alive=True, lock=True)
        if message.is_pinned != is_pinned:
            if is_pinned and messages.count_pinned(room_id) >= limits.PINS:
                raise AppError(ErrorCode.limit_reached, {"pins": limits.PINS})
            message.is_pinned = is_pinned
            room_log.message_changed(uow, message)
        return MessageEnvelope(message=presenters.message(message))
