"""Read marks, unread counts and readers."""

from __future__ import annotations

from uuid import UUID

from webapp.domain.permissions import Actor
from webapp.schemas.messages import ReadersView
from webapp.schemas.rooms import MarkRead, ReadMarksView, ThreadMarksView, UnreadTotalView
from webapp.services import read_state, threads


def read(actor: Actor, room_id: UUID, body: MarkRead) -> ReadMarksView:
    """Everything up to `seq` is read."""
    return read_state.read(actor, room_id, body)


def unread(actor: Actor, room_id: UUID, body: MarkRead) -> ReadMarksView:
    """The message `seq` and all after it are unread."""
    return read_state.unread(actor, room_id, body)


def read_thread(actor: Actor, room_id: UUID, message_id: UUID, body: MarkRead) -> ThreadMarksView:
    """Replies up to `seq` are read."""
    return threads.mark_read(actor, room_id, message_id, body)


def total(actor: Actor) -> UnreadTotalView:
    """Unread messages and mentions over all rooms."""
    return read_state.total(actor)


def readers(actor: Actor, room_id: UUID, message_id: UUID) -> ReadersView:
    """Who has read a message."""
    return read_state.who_read(actor, room_id, message_id)
