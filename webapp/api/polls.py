"""Polls over HTTP."""

from __future__ import annotations

from uuid import UUID

from webapp.domain.permissions import Actor
from webapp.schemas.messages import CastVotes, CreatePoll, MessageEnvelope
from webapp.services import polls


def create(actor: Actor, room_id: UUID, body: CreatePoll) -> tuple[MessageEnvelope, int]:
    """Sends a poll: 201 when it is new, 200 when this `client_message_id` has sent it before."""
    sent = polls.create(actor, room_id, body)
    return MessageEnvelope(message=sent.message), 201 if sent.created else 200


def vote(actor: Actor, room_id: UUID, message_id: UUID, body: CastVotes) -> MessageEnvelope:
    """Sets one's choices in a poll; none withdraws the vote."""
    return polls.vote(actor, room_id, message_id, body)
