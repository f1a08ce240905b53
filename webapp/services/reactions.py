"""Reactions: rows under the room's lock, and a summary on the message, so that concurrent ones are never lost."""

from __future__ import annotations

from uuid import UUID

from webapp import presenters
from webapp.domain import limits
from webapp.domain import messages as message_rules
from webapp.domain import reactions as rules
from webapp.domain.permissions import Actor
from webapp.events.types import ReactionAdded, ReactionData, ReactionRemoved
from webapp.models.message import Message
from webapp.repositories import reactions
from webapp.schemas.messages import MessageEnvelope, ReactorPage, ReactorsQuery, ReactorView
from webapp.services import access, room_log
from webapp.services.paging import decode_cursor, encode_cursor
from webapp.services.unit_of_work import reading, unit_of_work


def add(actor: Actor, room_id: UUID, message_id: UUID, emoji: str) -> MessageEnvelope:
    """A member may choose each emoji once on a message; again changes nothing."""
    emoji = message_rules.accepted_emoji(emoji)
    with unit_of_work() as uow:
        room = access.access_room_to_write(uow, actor, room_id)
        message = access.access_message(room, message_id, alive=True, lock=True)
        member_id = room.member.member_id
        rules.refuse_another(message.reactions, emoji)
        if reactions.add(message_id, emoji, member_id, uow.now):
            message.reactions = rules.with_reaction(message.reactions, emoji, member_id)
            room_log.reaction_changed(uow, message, ReactionAdded, _told(message, member_id, emoji))
        return MessageEnvelope(message=presenters.message(message))


def remove(actor: Actor, room_id: UUID, message_id: UUID, emoji: str) -> MessageEnvelope:
    """A member may take back a reaction; one that isn't there changes nothing."""
    emoji = message_rules.accepted_emoji(emoji)
    with unit_of_work() as uow:
        room = access.access_room_to_write(uow, actor, room_id)
        message = access.access_message(room, message_id, alive=True, lock=True)
        member_id = room.member.member_id
        if reactions.remove(message_id, emoji, member_id):
            first = reactions.first_members(message_id, emoji, limits.REACTORS_SHOWN)
            count = reactions.count(message_id, emoji)
            message.reactions = rules.with_reactors(message.reactions, emoji, count, first)
            room_log.reaction_changed(uow, message, ReactionRemoved, _told(message, member_id, emoji))
        return MessageEnvelope(message=presenters.message(message))


def list_reactors(actor: Actor, room_id: UUID, message_id: UUID, query: ReactorsQuery) -> ReactorPage:
    """Who chose which emoji on a message that the reader sees."""
    emoji = None if query.emoji is None else message_rules.accepted_emoji(query.emoji)
    after = None if query.cursor is None else decode_cursor(query.cursor, str, UUID)
    with reading():
        room = access.access_room(actor, room_id)
        access.access_message(room, message_id, alive=True)
        place = None if after is None else (after[0], after[1])
        rows = reactions.list_page(message_id, emoji=emoji, after=place, limit=query.limit + 1)
    shown = rows[: query.limit]
    return ReactorPage(
        reactions=[ReactorView(emoji=row.emoji, member_id=row.member_id, created_at=row.created_at) for row in shown],
        next_cursor=encode_cursor(shown[-1].emoji, shown[-1].member_id) if len(rows) > query.limit else None,
    )


def _told(message: Message, member_id: UUID, emoji: str) -> ReactionData:
    count = message.reactions.get(emoji, {"count": 0})["count"]
    return ReactionData(message_id=message.message_id, member_id=member_id, emoji=emoji, count=count)
