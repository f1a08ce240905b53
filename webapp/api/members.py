"""Members of a room over HTTP."""

from __future__ import annotations

from uuid import UUID

from webapp.domain.permissions import Actor
from webapp.schemas.base import Page
from webapp.schemas.rooms import HandOver, MemberEnvelope, MemberPage, RoomView, UpdateMember, UpdateMembership
from webapp.services import members


def list_members(actor: Actor, room_id: UUID, query: Page) -> MemberPage:
    """The member directory, as this viewer may see it."""
    return members.list_members(actor, room_id, query)


def update_me(actor: Actor, room_id: UUID, body: UpdateMembership) -> RoomView:
    """Changes one's own notification settings in a room."""
    return members.update_me(actor, room_id, body)


def update(actor: Actor, room_id: UUID, member_id: UUID, body: UpdateMember) -> MemberEnvelope:
    """Silences a member until a time (the owner); null ends it."""
    return members.update(actor, room_id, member_id, body)


def remove(actor: Actor, room_id: UUID, member_id: UUID) -> MemberEnvelope:
    """Removes a member (the owner)."""
    return members.remove(actor, room_id, member_id)


def hand_over(actor: Actor, room_id: UUID, body: HandOver) -> RoomView:
    """Makes another member the owner (the owner)."""
    return members.hand_over(actor, room_id, body)
