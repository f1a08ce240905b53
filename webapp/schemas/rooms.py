"""Rooms, members and invitations on the wire."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, Field

from webapp.domain import limits
from webapp.schemas.base import Description, Page, Query, Request, RoomName, Seq, UserId, View
from webapp.schemas.messages import MessageView

RoomType = Literal["direct", "team", "matching"]
Visibility = Literal["public", "private"]
NotificationLevel = Literal["all", "mentions", "none"]


def _storable(value: datetime) -> datetime:
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise ValueError("must lie between the years 1 and 9999") from None


Until = Annotated[AwareDatetime, AfterValidator(_storable)]


class RoomSettingsView(View):
    """What is the same for every member of a room; the payload of `room_updated`."""

    room_id: UUID
    room_type: RoomType
    room_name: str | None
    description: str | None
    display_mode: Literal["open", "blind"]
    visibility: Visibility
    team_id: UUID | None
    is_frozen: bool
    is_archived: bool
    slow_mode_seconds: int
    directory_rev: int
    created_at: datetime


class RoomView(RoomSettingsView):
    """A room as one member has it: the settings, the head of the log, and the member's own marks."""

    head_seq: int
    member_id: UUID
    role: str
    notification_level: NotificationLevel
    muted_until: datetime | None
    visible_from_seq: int
    last_read_seq: int
    unread_count: int
    mention_count: int
    read_rev: int
    last_message: MessageView | None
    last_message_at: datetime | None


class RoomPage(View):
    rooms: list[RoomView]
    next_cursor: str | None


class RoomsQuery(Page):
    room_type: RoomType | None = None


class ProfileView(View):
    """A person, as far as this viewer may see: a level below 3 in a blind room leaves the upper fields out."""

    user_id: str | None = None
    username: str | None = None
    display_name: str | None = None
    avatar_url: str | None = None
    school: str | None = None
    department: str | None = None
    grade: str | None = None
    is_online: bool | None = None


class MemberView(View):
    """A member. `profile` is null in a blind room, or what was revealed to this viewer."""

    member_id: UUID
    role: str
    anonymous_name: str | None
    group_label: str | None
    is_active: bool
    last_read_seq: int | None = None
    profile: ProfileView | None = None


class MemberEnvelope(View):
    member: MemberView


class MemberPage(View):
    members: list[MemberView]
    directory_rev: int
    next_cursor: str | None


class CreateDirect(Request):
    user_id: UserId


class CreateTeamRoom(Request):
    team_id: UUID
    room_name: RoomName
    visibility: Visibility = "public"
    description: Description = ""


class UpdateRoom(Request):
    """Only the fields given change."""

    room_name: RoomName | None = None
    description: Description | None = None
    slow_mode_seconds: Annotated[int, Field(ge=0, le=limits.SLOW_MODE_SECONDS)] | None = None
    is_frozen: bool | None = None
    is_archived: bool | None = None


class UpdateMembership(Request):
    """One's own settings in a room; only the fields given change, and null unmutes."""

    notification_level: NotificationLevel | None = None
    muted_until: Until | None = None


class UpdateMember(Request):
    """What the owner may set on a member: silence until a time, null ends it."""

    silenced_until: Until | None


class HandOver(Request):
    member_id: UUID


class CreateInvitation(Request):
    expires_hours: int = Field(default=limits.INVITATION_HOURS[1], ge=1, le=limits.INVITATION_HOURS[2])
    max_uses: int = Field(default=1, ge=limits.INVITATION_USES[0], le=limits.INVITATION_USES[1])


class RevokeInvitation(Query):
    code: str = Field(min_length=4, max_length=16)


class InvitationView(View):
    code: str
    room_id: UUID
    expires_at: datetime
    max_uses: int
    use_count: int


class InvitationPreview(View):
    """What someone who holds a code may know before joining."""

    room_name: str | None
    description: str | None
    team_name: str
    expires_at: datetime


class MarkRead(Request):
    seq: Seq


class ReadMarksView(View):
    """A member's marks in a room; a client keeps the values with the highest `read_rev`."""

    room_id: UUID
    unread_count: int
    mention_count: int
    last_read_seq: int
    as_of_seq: int
    read_rev: int


class ThreadMarksView(View):
    thread_id: UUID
    last_read_seq: int
    unread_count: int


class UnreadTotalView(View):
    unread_count: int
    mention_count: int


class ChangesQuery(Query):
    after: Seq
    limit: int = Field(default=limits.CHANGES_PER_ROOM, ge=1, le=limits.CHANGES_PER_ROOM)
