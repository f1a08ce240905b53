"""Every event that a client can receive, one typed class each, rendered for the least privileged viewer.

A logged event carries its number `seq` and `after`, the number before it in its stream; a signal carries neither.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar, Literal
from uuid import UUID

from webapp.schemas.base import View
from webapp.schemas.messages import MessageView
from webapp.schemas.rooms import MemberView, ReadMarksView, RoomSettingsView, RoomView


class MessageData(View):
    message: MessageView


class ReactionData(View):
    message_id: UUID
    member_id: UUID
    emoji: str
    count: int


class MemberData(View):
    member: MemberView
    directory_rev: int


class RoomData(View):
    room: RoomSettingsView


class RoomCreatedData(View):
    room: RoomView


class RoomRemovedData(View):
    reason: Literal["left", "removed", "closed"]


class EmptyData(View):
    """Nothing to tell but the number."""


class Event(View):
    """What all events share: the wire form of one, encoded once for all receivers."""

    def encoded(self) -> bytes:
        return self.__pydantic_serializer__.to_json(self)


class LoggedEvent(Event):
    """A change of a room, with its place in the log."""

    type: str
    room_id: UUID
    seq: int
    after: int
    at: datetime
    data: View


class MessageCreated(LoggedEvent):
    type: Literal["message"] = "message"
    data: MessageData


class MessageUpdated(LoggedEvent):
    type: Literal["message_updated"] = "message_updated"
    data: MessageData


class MessageDeleted(LoggedEvent):
    type: Literal["message_deleted"] = "message_deleted"
    data: MessageData


class MessageRestored(LoggedEvent):
    type: Literal["message_restored"] = "message_restored"
    data: MessageData


class ReactionAdded(LoggedEvent):
    type: Literal["reaction_added"] = "reaction_added"
    data: ReactionData


class ReactionRemoved(LoggedEvent):
    type: Literal["reaction_removed"] = "reaction_removed"
    data: ReactionData


class MemberJoined(LoggedEvent):
    type: Literal["member_joined"] = "member_joined"
    data: MemberData


class MemberLeft(LoggedEvent):
    type: Literal["member_left"] = "member_left"
    data: MemberData


class MemberUpdated(LoggedEvent):
    type: Literal["member_updated"] = "member_updated"
    data: MemberData


class RoomUpdated(LoggedEvent):
    type: Literal["room_updated"] = "room_updated"
    data: RoomData


class RoomCreated(LoggedEvent):
    """The first frame of a room that a socket begins to follow; `seq` is the head, `after` is 0."""

    type: Literal["room_created"] = "room_created"
    data: RoomCreatedData


class RoomRemoved(LoggedEvent):
    """The last frame of a room for someone who left it."""

    type: Literal["room_removed"] = "room_removed"
    data: RoomRemovedData


class Skip(LoggedEvent):
    """A number that means nothing to this receiver."""

    type: Literal["skip"] = "skip"
    data: EmptyData = EmptyData()


class TypingData(View):
    """In a blind room `member_id` is null: only "someone"."""

    member_id: UUID | None


class PresenceData(View):
    member_id: UUID
    is_online: bool


class ReadData(View):
    """An open room tells whose mark moved where; a blind room only the sorted marks, at fixed ticks."""

    member_id: UUID | None
    last_read_seq: int | None
    marks: list[int] | None


class ModerationNoticeData(View):
    kind: str
    details: dict[str, Any]


class AuthRequiredData(View):
    expires_in: int


class ResyncData(View):
    epoch: str


class RoomSignal(Event):
    """Something that passes in a room and is not logged."""

    droppable: ClassVar[bool] = False
    type: str
    room_id: UUID
    at: datetime
    data: View


class Typing(RoomSignal):
    droppable: ClassVar[bool] = True
    type: Literal["typing"] = "typing"
    data: TypingData


class PresenceChanged(RoomSignal):
    droppable: ClassVar[bool] = True
    type: Literal["presence_changed"] = "presence_changed"
    data: PresenceData


class ReadUpdated(RoomSignal):
    type: Literal["read_updated"] = "read_updated"
    data: ReadData


class UnreadUpdated(RoomSignal):
    """A member's own marks; goes to that member only."""

    type: Literal["unread_updated"] = "unread_updated"
    data: ReadMarksView


class UserSignal(Event):
    """Something for one person's sockets."""

    type: str
    at: datetime
    data: View


class ModerationNotice(UserSignal):
    type: Literal["moderation_notice"] = "moderation_notice"
    data: ModerationNoticeData


class AuthRequired(UserSignal):
    type: Literal["auth_required"] = "auth_required"
    data: AuthRequiredData


class Resync(UserSignal):
    """The database began another life: forget all cursors and load anew."""

    type: Literal["resync"] = "resync"
    data: ResyncData


ALL: tuple[type[Event], ...] = (
    MessageCreated,
    MessageUpdated,
    MessageDeleted,
    MessageRestored,
    ReactionAdded,
    ReactionRemoved,
    MemberJoined,
    MemberLeft,
    MemberUpdated,
    RoomCreated,
    RoomUpdated,
    RoomRemoved,
    Skip,
    ReadUpdated,
    UnreadUpdated,
    Typing,
    PresenceChanged,
    ModerationNotice,
    AuthRequired,
    Resync,
)
