"""Messages over HTTP."""

from __future__ import annotations

from uuid import UUID

from webapp.domain.permissions import Actor
from webapp.schemas.messages import EditMessage, ForwardMessage, MessageEnvelope, SendMessage
from webapp.services import forwarding, messages, pins


def send(actor: Actor, room_id: UUID, body: SendMessage) -> tuple[MessageEnvelope, int]:
    """Sends a message: 201 when it is new, 200 when this `client_message_id` has sent it before."""
    sent = messages.send(actor, room_id, body)
    return MessageEnvelope(message=sent.message), 201 if sent.created else 200


def get(actor: Actor, room_id: UUID, message_id: UUID) -> MessageEnvelope:
    """One message; a deleted one is a tombstone."""
    return messages.get(actor, room_id, message_id)


def edit(actor: Actor, room_id: UUID, message_id: UUID, body: EditMessage) -> MessageEnvelope:
    """Rewords one's own message, for fifteen minutes."""
    return messages.edit(actor, room_id, message_id, body)


def delete(actor: Actor, room_id: UUID, message_id: UUID) -> MessageEnvelope:
    """Withdraws one's own message; a tombstone stays."""
    return messages.delete(actor, room_id, message_id)


def forward(actor: Actor, room_id: UUID, message_id: UUID, body: ForwardMessage) -> tuple[MessageEnvelope, int]:
    """Says a text again in another room, as one's own message."""
    sent = forwarding.forward(actor, room_id, message_id, body)
    return MessageEnvelope(message=sent.message), 201 if sent.created else 200


def pin(actor: Actor, room_id: UUID, message_id: UUID) -> MessageEnvelope:
    """Pins a message to the room."""
    return pins.pin(actor, room_id, message_id)


def unpin(actor: Actor, room_id: UUID, message_id: UUID) -> MessageEnvelope:
    """Takes a pin away."""
    return pins.unpin(actor, room_id, message_id)
