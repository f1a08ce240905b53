"""Blocking people, and labels of blind rooms."""

from __future__ import annotations

from uuid import UUID

from webapp.domain.permissions import Actor
from webapp.schemas.accounts import BlockPage, BlockView
from webapp.schemas.base import Ok, Page
from webapp.services import blocks


def list_blocks(actor: Actor, query: Page) -> BlockPage:
    """List whom one blocks."""
    return blocks.list_blocks(actor, query)


def block(actor: Actor, user_id: str) -> BlockView:
    """Block a person."""
    return blocks.block(actor, user_id)


def unblock(actor: Actor, user_id: str) -> Ok:
    """Unblock a person."""
    return blocks.unblock(actor, user_id)


def block_member(actor: Actor, room_id: UUID, member_id: UUID) -> BlockView:
    """Block a member, in a blind room without knowing who it is."""
    return blocks.block_member(actor, room_id, member_id)


def unblock_member(actor: Actor, room_id: UUID, member_id: UUID) -> Ok:
    """Unblock a member."""
    return blocks.unblock_member(actor, room_id, member_id)
