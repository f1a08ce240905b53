"""Drafts: what a member has typed in a room and not sent, on all of their devices; nobody else learns of it."""

from __future__ import annotations

from uuid import UUID

from webapp.domain.permissions import Actor
from webapp.repositories import drafts
from webapp.schemas.messages import DraftView, SaveDraft
from webapp.services import access
from webapp.services.unit_of_work import reading, unit_of_work


def get(actor: Actor, room_id: UUID) -> DraftView:
    """A member's own draft in a room; an empty one when there is none."""
    with reading():
        draft = drafts.find(access.access_room(actor, room_id).member.member_id)
        if draft is None:
            return DraftView(content="", updated_at=None)
        return DraftView(content=draft.content, updated_at=draft.updated_at)


def save(actor: Actor, room_id: UUID, body: SaveDraft) -> DraftView:
    """A member has one draft in a room; an empty text removes it."""
    with unit_of_work() as uow:
        member_id = access.access_room(actor, room_id).member.member_id
        if not body.content:
            drafts.remove(member_id)
            return DraftView(content="", updated_at=None)
        drafts.save(member_id, body.content, uow.now)
        return DraftView(content=body.content, updated_at=uow.now)
