"""Drafts over HTTP."""

from __future__ import annotations

from uuid import UUID

from webapp.domain.permissions import Actor
from webapp.schemas.messages import DraftView, SaveDraft
from webapp.services import drafts


def get(actor: Actor, room_id: UUID) -> DraftView:
    """What one has typed in a room and not sent."""
    return drafts.get(actor, room_id)


def save(actor: Actor, room_id: UUID, body: SaveDraft) -> DraftView:
    """Keeps what one has typed; an empty text removes it."""
    return drafts.save(actor, room_id, body)
