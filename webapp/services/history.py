"""Reading a room's conversation: pages of the timeline and of threads, pins, and mentions of oneself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from uuid import UUID

from webapp import presenters
from webapp.core.errors import AppError, ErrorCode
from webapp.domain.permissions import Actor
from webapp.repositories import history, messages
from webapp.repositories.history import PAST_THE_HEAD, Page, Place
from webapp.repositories.messages import MessageRow, Scope
from webapp.schemas import base
from webapp.schemas.base import Encoded
from webapp.schemas.messages import History, MessageList, MessagePage
from webapp.services import access
from webapp.services.paging import decode_cursor, encode_cursor
from webapp.services.unit_of_work import reading


def page(actor: Actor, room_id: UUID, query: History) -> Encoded[MessagePage]:
    """A page of the timeline as its reader may see it, with the head and epoch of the same instant."""
    return _view(history.find_page(actor.user_id, room_id, _place(query)))


def thread(actor: Actor, room_id: UUID, thread_id: UUID, query: History) -> Encoded[MessagePage]:
    """The replies of a message that the reader sees, paged as the timeline is."""
    found = history.find_page(actor.user_id, room_id, _place(query), thread_id)
    if found is not None and not found.has_root:
        raise AppError(ErrorCode.message_not_found)
    return _view(found)


def pins(actor: Actor, room_id: UUID, query: base.Page) -> MessageList:
    """What is pinned in a room, newest first."""
    before = decode_cursor(query.cursor, int)[0] if query.cursor is not None else None
    with reading():
        room = access.access_room(actor, room_id)
        scope = Scope(room_id, room.visible_from, room.hidden)
        rows = messages.pinned(scope, before=before, limit=query.limit + 1)
    return _list(rows, query.limit, lambda last: last.seq)


def my_mentions(actor: Actor, query: base.Page) -> MessageList:
    """Messages of a member's rooms that mention them, by name or as everyone, newest first."""
    before = decode_cursor(query.cursor, UUID)[0] if query.cursor is not None else None
    with reading():
        rows = messages.mentioning(actor.user_id, before=before, limit=query.limit + 1)
    return _list(rows, query.limit, lambda last: last.message_id)


def _list(rows: Sequence[MessageRow], limit: int, place: Callable[[MessageRow], object]) -> MessageList:
    """A page of a list that was read one row too far, which tells that there is more."""
    shown = rows[:limit]
    return MessageList(
        messages=presenters.messages(shown),
        next_cursor=encode_cursor(place(shown[-1])) if len(rows) > limit else None,
    )


def _place(query: History) -> Place:
    limit = query.limit
    if query.after_seq is not None:
        return Place(query.after_seq + 1, 0, limit)
    if query.around_seq is not None or query.around is not None:
        return Place(query.around_seq, limit, limit)
    return Place(PAST_THE_HEAD if query.before_seq is None else query.before_seq, limit, 0)


def _view(found: Page | None) -> Encoded[MessagePage]:
    if found is None:
        raise AppError(ErrorCode.room_not_found)
    return presenters.message_page(found)
