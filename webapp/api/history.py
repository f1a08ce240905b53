"""The conversation of a room over HTTP."""

from __future__ import annotations

from uuid import UUID

from webapp.domain.permissions import Actor
from webapp.schemas.base import Encoded, Page
from webapp.schemas.messages import History, MessageList, MessagePage
from webapp.services import history


def page(actor: Actor, room_id: UUID, query: History) -> Encoded[MessagePage]:
    """A page of the timeline, oldest first, without thread replies."""
    return history.page(actor, room_id, query)


def thread(actor: Actor, room_id: UUID, message_id: UUID, query: History) -> Encoded[MessagePage]:
    """A page of a message's replies, oldest first."""
    return history.thread(actor, room_id, message_id, query)


def pins(actor: Actor, room_id: UUID, query: Page) -> MessageList:
    """The pinned messages of a room, newest first."""
    return history.pins(actor, room_id, query)


def my_mentions(actor: Actor, query: Page) -> MessageList:
    """Messages that mention oneself in any of one's rooms, newest first."""
    return history.my_mentions(actor, query)
