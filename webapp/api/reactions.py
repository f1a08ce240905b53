"""Reactions over HTTP."""

from __future__ import annotations

from uuid import UUID

from webapp.domain.permissions import Actor
from webapp.schemas.messages import MessageEnvelope, ReactorPage, ReactorsQuery
from webapp.services import reactions


def add(actor: Actor, room_id: UUID, message_id: UUID, emoji: str) -> MessageEnvelope:
    """Reacts to a message with one emoji."""
    return reactions.add(actor, room_id, message_id, emoji)


def remove(actor: Actor, room_id: UUID, message_id: UUID, emoji: str) -> MessageEnvelope:
    """Takes a reaction back."""
    return reactions.remove(actor, room_id, message_id, emoji)


def list_reactors(actor: Actor, room_id: UUID, message_id: UUID, query: ReactorsQuery) -> ReactorPage:
    """Who reacted to a message, with which emoji."""
    return reactions.list_reactors(actor, room_id, message_id, query)
