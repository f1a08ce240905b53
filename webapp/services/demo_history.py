"""Writing a conversation of the demo world into its room, as if it had been held there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from webapp import presenters
from webapp.domain import messages as rules
from webapp.domain import polls, reactions
from webapp.domain.imports import dated_id
from webapp.domain.permissions import Permission, allows
from webapp.models.base import Base
from webapp.models.member import Member
from webapp.models.message import Message, MessageVersion, PollVote, Reaction
from webapp.models.room import Room
from webapp.models.thread_read import ThreadRead
from webapp.repositories import cursors, imports, read_marks, rooms
from webapp.schemas.demo import DemoConversation, DemoMessage, DemoPoll
from webapp.services.unit_of_work import UnitOfWork

EDITED_AFTER = timedelta(minutes=2)
DELETED_AFTER = timedelta(minutes=3)
REACTED_AFTER = timedelta(seconds=40)
_HABITS = UUID("dfce3679-9e32-550b-ae85-a33fae647d9b")
_LATELY = 12

Votes = Mapping[str, Mapping[int, list[str]]]


@dataclass
class Scene:
    """A room with its people by username, and the time in which all of it took place."""

    room: Room
    people: Mapping[str, Member]
    begin: datetime
    end: datetime
    said: dict[int, Message] = field(default_factory=dict)

    def moment(self, at: datetime, later: timedelta = timedelta()) -> datetime:
        """A while after a moment, but never in the future."""
        return min(at + later, self.end)


def write(scene: Scene, uow: UnitOfWork, conversation: DemoConversation, votes: Votes) -> None:
    """The messages and all that hangs on them take the locked room's next numbers; counters agree with a recount."""
    room, at = scene.room, scene.begin
    known = _names(scene, conversation)
    hanging: list[Base] = []
    for told in conversation.messages:
        at += timedelta(minutes=told.minutes)
        message = _message(scene, told, uow.next_seq(), scene.moment(at))
        _mention(message, scene.people[told.author].role, known)
        hanging += _reactions(scene, message, told.reactions)
        if told.edited_from is not None:
            hanging.append(_version(scene, message, told.edited_from))
        if told.poll is not None:
            hanging += _poll(scene, message, told.poll, votes.get(f"{conversation.room}#{told.id}", {}))
        scene.said[told.id] = message
    room.last_message_at = scene.moment(at)
    _leave_off(scene, conversation.room)
    imports.add_all(list(scene.said.values()))
    imports.add_all([*hanging, *_follow_threads(scene)])
    _count(scene)


def _message(scene: Scene, told: DemoMessage, seq: int, at: datetime) -> Message:
    author = scene.people[told.author]
    root = scene.said[told.thread] if told.thread is not None else None
    message = Message(
        message_id=dated_id(at),
        room_id=scene.room.room_id,
        seq=seq,
        changed_seq=seq,
        sender_id=author.user_id,
        member_id=author.member_id,
        content=told.text,
        reactions={},
        mentions=[],
        mentions_all=False,
        thread_id=None if root is None else root.message_id,
        reply_to_id=None if told.reply_to is None else scene.said[told.reply_to].message_id,
        reply_count=0,
        is_deleted=told.deleted,
        is_edited=told.edited_from is not None,
        is_pinned=told.pinned,
        created_at=at,
        updated_at=at,
    )
    if told.deleted:
        message.updated_at = message.deleted_at = scene.moment(at, DELETED_AFTER)
        message.deleted_by = author.user_id
    if root is not None:
        root.reply_count += not told.deleted
        root.last_reply_at = at
    return message


def _names(scene: Scene, conversation: DemoConversation) -> dict[str, UUID]:
    """Whom the conversation can mention, by the names that the room's directory shows."""
    places = [rules.mention_candidates(told.text) for told in conversation.messages]
    names = {name for place in places for prefixes in place for name in prefixes}
    return presenters.mentioned(scene.room, list(names)) if names else {}


def _mention(message: Message, role: str, known: Mapping[str, UUID]) -> None:
    places = rules.mention_candidates(message.content)
    message.mentions = rules.resolved_mentions(places, known)
    message.mentions_all = allows(role, Permission.mention_all) and rules.mentions_everyone(places)


def _reactions(scene: Scene, message: Message, chosen: Mapping[str, list[str]]) -> Iterator[Reaction]:
    at = message.created_at
    for sign, names in chosen.items():
        emoji = rules.accepted_emoji(sign)
        for name in names:
            at = scene.moment(at, REACTED_AFTER)
            member_id = scene.people[name].member_id
            message.reactions = reactions.with_reaction(message.reactions, emoji, member_id)
            yield Reaction(message_id=message.message_id, emoji=emoji, member_id=member_id, created_at=at)


def _version(scene: Scene, message: Message, former: str) -> MessageVersion:
    message.updated_at = scene.moment(message.created_at, EDITED_AFTER)
    return MessageVersion(message_id=message.message_id, version=1, content=former, replaced_at=message.updated_at)


def _poll(scene: Scene, message: Message, told: DemoPoll, votes: Mapping[int, list[str]]) -> Iterator[PollVote]:
    poll: dict[str, Any] = polls.new_poll(told.question, told.options, is_multiple=False, closes_at=None)
    for place, names in votes.items():
        # The files count options from 0, a poll from 1.
        choice = polls.chosen(poll, [place + 1])
        for name in names:
            poll = polls.recounted(poll, frozenset(), choice)
            member_id = scene.people[name].member_id
            yield PollVote(message_id=message.message_id, member_id=member_id, option_id=place + 1)
    message.poll = poll


def _follow_threads(scene: Scene) -> list[ThreadRead]:
    """Who wrote in a thread, began it or was mentioned in it follows it, and has read up to the own last reply."""
    roots = {message.message_id: message for message in scene.said.values()}
    marks: dict[tuple[UUID, UUID], int] = {}
    for reply in scene.said.values():
        if reply.thread_id is not None and reply.member_id is not None:
            for member_id in (roots[reply.thread_id].member_id, *reply.mentions):
                if member_id is not None:
                    marks.setdefault((reply.thread_id, member_id), 0)
            marks[reply.thread_id, reply.member_id] = reply.seq
    return [
        ThreadRead(thread_id=thread_id, member_id=member_id, last_read_seq=seq)
        for (thread_id, member_id), seq in marks.items()
    ]


def _leave_off(scene: Scene, key: str) -> None:
    """Some have read everything, some what came up to their own last message, some keep a mention for later."""
    for name, member in scene.people.items():
        draw = uuid5(_HABITS, f"{key}/{name}").int
        own = max((m.seq for m in scene.said.values() if m.member_id == member.member_id), default=0)
        called = _lately_called(scene, member)
        if called is not None and draw % 2:
            member.last_read_seq = called.seq - 1
        else:
            member.last_read_seq = scene.room.last_seq if draw % 5 < 3 else own
        member.last_read_at = scene.end
        member.as_of_seq = scene.room.last_seq


def _lately_called(scene: Scene, member: Member) -> Message | None:
    """The last of the room's newest messages in which somebody else mentions the member."""
    for message in list(scene.said.values())[: -_LATELY - 1 : -1]:
        is_called = message.mentions_all or member.member_id in message.mentions
        if is_called and message.member_id != member.member_id and not message.is_deleted:
            return message
    return None


def _count(scene: Scene) -> None:
    """Every counter is what a recount finds."""
    room = scene.room
    cursors.lock(room.room_id, rooms.UNREAD).seq = room.last_seq
    read_marks.recount_room(room.room_id, room.room_type, room.last_seq)
    read_marks.recount_threads([m.message_id for m in scene.said.values() if m.last_reply_at is not None])
