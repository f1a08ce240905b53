"""Forwarding: a text goes on as the forwarder's own message, without a word about where it came from."""

from __future__ import annotations

from uuid import UUID

from webapp.core.errors import AppError, ErrorCode, refused_field
from webapp.domain import identity
from webapp.domain.permissions import Actor
from webapp.schemas.messages import ForwardMessage, SendMessage
from webapp.services import access, messages
from webapp.services.group_commit import Sent
from webapp.services.unit_of_work import reading


def forward(actor: Actor, room_id: UUID, message_id: UUID, body: ForwardMessage) -> Sent:
    """A member may say a text again in another room of theirs, but carries nothing out of a blind room."""
    return messages.send(
        actor,
        body.room_id,
        SendMessage(content=_text(actor, room_id, message_id, body.room_id), client_message_id=body.client_message_id),
    )


def _text(actor: Actor, room_id: UUID, message_id: UUID, target_id: UUID) -> str:
    with reading():
        room = access.access_room(actor, room_id)
        message = access.access_message(room, message_id, alive=True)
        if identity.is_blind(room.room.display_mode) and target_id != room_id:
            raise AppError(ErrorCode.permission_denied)
        if message.message_type != "text" or message.poll is not None:
            raise refused_field("message_id", "not_text", "only texts can be forwarded")
        return message.content
