"""Writing to a room's log: each changed row takes the locked room's next number, and one event says so."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

from webapp import presenters
from webapp.core.ids import time_ordered_id
from webapp.domain.permissions import Actor
from webapp.domain.system_messages import in_korean
from webapp.events import types as events
from webapp.models.member import Member
from webapp.models.message import SYSTEM_SENDER, Message
from webapp.models.room import Room
from webapp.repositories import messages
from webapp.services.access import Access
from webapp.services.unit_of_work import UnitOfWork

MessageChange = type[events.MessageUpdated | events.MessageDeleted | events.MessageRestored]
MemberChange = type[events.MemberJoined | events.MemberLeft | events.MemberUpdated]


def new_message(uow: UnitOfWork, room: Access, actor: Actor, **fields: Any) -> Message:
    """Insert a message of a member into the locked room and tell the room."""
    return _insert(uow, room.room, sender_id=actor.user_id, member_id=room.member.member_id, **fields)


def system_message(uow: UnitOfWork, room: Room, kind: str, **params: Any) -> Message:
    """Let the server say something in the room; people in `params` are member ids, never names."""
    return _insert(
        uow,
        room,
        sender_id=SYSTEM_SENDER,
        member_id=None,
        message_type="system",
        content=in_korean(kind, params),
        system={"kind": kind, "params": {name: _plain(value) for name, value in params.items()}},
    )


def message_changed(uow: UnitOfWork, message: Message, change: MessageChange = events.MessageUpdated) -> None:
    """A row of the locked room was changed: number it and tell those who see it."""
    message.changed_seq = uow.next_seq()
    message.updated_at = uow.now
    data = events.MessageData(message=presenters.message(message))
    _emit_message(uow, message, change(**_place(uow, message.room_id, message.changed_seq), data=data))


def reaction_changed(
    uow: UnitOfWork,
    message: Message,
    change: type[events.ReactionAdded | events.ReactionRemoved],
    data: events.ReactionData,
) -> None:
    """A reaction changes its message's row, and is told as what it is."""
    message.changed_seq = uow.next_seq()
    _emit_message(uow, message, change(**_place(uow, message.room_id, message.changed_seq), data=data))


def member_changed(
    uow: UnitOfWork,
    room: Room,
    member: Member,
    change: MemberChange = events.MemberUpdated,
    *,
    reason: str | None = None,
) -> None:
    """A membership of the locked room was changed: whoever may write, and what the directory shows, may differ now.

    `reason` is told to a leaver's own sockets, with the room's last frame for them.
    """
    member.changed_seq = uow.next_seq()
    room.access_rev += 1
    room.directory_rev += 1
    data = events.MemberData(member=presenters.anonymous_member(member), directory_rev=room.directory_rev)
    event = change(**_place(uow, room.room_id, member.changed_seq), data=data)
    uow.emit(event, leaver=None if member.is_active else member.member_id, reason=reason)


def room_changed(uow: UnitOfWork, room: Room) -> None:
    """The locked room's own settings were changed."""
    room.changed_seq = uow.next_seq()
    room.updated_at = uow.now
    room.access_rev += 1
    data = events.RoomData(room=presenters.room_settings(room))
    uow.emit(events.RoomUpdated(**_place(uow, room.room_id, room.changed_seq), data=data))


def _insert(uow: UnitOfWork, room: Room, **fields: Any) -> Message:
    seq = uow.next_seq()
    room.last_message_at = uow.now
    message = Message(
        **{
            "message_id": time_ordered_id(),
            "room_id": room.room_id,
            "seq": seq,
            "changed_seq": seq,
            "message_type": "text",
            "attachments": [],
            "reactions": {},
            "mentions": [],
            "mentions_all": False,
            "reply_count": 0,
            "is_edited": False,
            "is_deleted": False,
            "is_pinned": False,
            "client_message_id": uuid4(),
            "created_at": uow.now,
            "updated_at": uow.now,
            **fields,
        }
    )
    messages.add(message)
    data = events.MessageData(message=presenters.message(message))
    _emit_message(uow, message, events.MessageCreated(**_place(uow, room.room_id, seq), data=data))
    return message


def _emit_message(uow: UnitOfWork, message: Message, event: events.LoggedEvent) -> None:
    uow.emit(event, born=message.seq, sender=message.member_id)


def _place(uow: UnitOfWork, room_id: UUID, seq: int) -> dict[str, Any]:
    return {"room_id": room_id, "seq": seq, "after": seq - 1, "at": uow.now}


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, UUID) else value
