"""Invitations over HTTP."""

from __future__ import annotations

from uuid import UUID

from webapp.domain.permissions import Actor
from webapp.schemas.base import Ok
from webapp.schemas.rooms import CreateInvitation, InvitationPreview, InvitationView, RevokeInvitation, RoomView
from webapp.services import invitations


def create(actor: Actor, room_id: UUID, body: CreateInvitation) -> InvitationView:
    """A new code for a channel (its owner)."""
    return invitations.create(actor, room_id, body)


def revoke(actor: Actor, room_id: UUID, query: RevokeInvitation) -> Ok:
    """Takes a code back (the owner)."""
    return invitations.revoke(actor, room_id, query)


def preview(actor: Actor, code: str) -> InvitationPreview:
    """What a code opens."""
    return invitations.preview(actor, code)


def accept(actor: Actor, code: str) -> RoomView:
    """Enters the channel that a code opens."""
    return invitations.accept(actor, code)
