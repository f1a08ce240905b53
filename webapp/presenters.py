"""Rows to views: the only place where an identity becomes visible, and masked is the default."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, cast
from uuid import UUID

import orjson
from pydantic import TypeAdapter
from sqlalchemy import Row

from webapp.domain import identity
from webapp.models.member import Member
from webapp.models.message import Message
from webapp.models.room import Room
from webapp.repositories import history, identities
from webapp.repositories.append import NewMessage
from webapp.repositories.messages import JSON_TEXT_FIELDS, VIEW_COLUMNS
from webapp.repositories.room_list import Listed
from webapp.schemas.base import Encoded
from webapp.schemas.messages import MessagePage, MessageView
from webapp.schemas.rooms import (
    MemberView,
    NotificationLevel,
    ProfileView,
    RoomPage,
    RoomSettingsView,
    RoomView,
)

_MESSAGE = TypeAdapter(MessageView)
_MESSAGES = TypeAdapter(list[MessageView])
_FIELDS = tuple(column.key for column in VIEW_COLUMNS)
_MEMBER = ("member_id", "role", "anonymous_name", "group_label", "is_active")
_EMPTIED: dict[str, Any] = {
    "content": "",
    "attachments": [],
    "reactions": {},
    "mentions": [],
    "mentions_all": False,
    "is_pinned": False,
    "poll": None,
}

MessageSource = Message | Row[Any] | Mapping[str, Any]


def message(source: MessageSource) -> MessageView:
    """A message as every member of its room sees it; nobody's identity is in it."""
    return _MESSAGE.validate_python(_shown(source))


def messages(sources: Iterable[MessageSource]) -> list[MessageView]:
    """Many messages at once."""
    return _MESSAGES.validate_python([_shown(source) for source in sources])


def message_page(page: history.Page) -> Encoded[MessagePage]:
    """A page of history, masked and encoded row by row."""
    shown = {
        "messages": [message_as_json(row) for row in page.rows],
        "has_more_before": page.has_more_before,
        "has_more_after": page.has_more_after,
        "head_seq": page.head_seq,
        "epoch": page.epoch,
    }
    return Encoded(MessagePage, orjson.dumps(shown, option=orjson.OPT_UTC_Z))


def message_as_json(row: dict[str, Any]) -> dict[str, Any]:
    """A message as every member of its room sees it, from columns that are in JSON's form already."""
    if row["is_deleted"]:
        return _emptied_if_deleted({**row, "system": _fragment(row["system"])})
    for name in JSON_TEXT_FIELDS:
        row[name] = _fragment(row[name])
    return row


def _fragment(text: str | None) -> orjson.Fragment | None:
    return None if text is None else orjson.Fragment(text)


def _shown(source: MessageSource) -> dict[str, Any]:
    if isinstance(source, Message):
        fields = {name: getattr(source, name) for name in _FIELDS}
    elif isinstance(source, Row):
        fields = dict(source._mapping)
    else:
        fields = {name: source[name] for name in _FIELDS}
    return _emptied_if_deleted(fields)


def _emptied_if_deleted(fields: dict[str, Any]) -> dict[str, Any]:
    if fields["is_deleted"]:
        fields.update(_EMPTIED)
    return fields


def room_settings(room: Room | Mapping[str, Any]) -> RoomSettingsView:
    """What is the same for all members."""
    return RoomSettingsView(**_settings(room))


def room(row: Room, member: Member, last_message: MessageView | None) -> RoomView:
    """A room as one member has it."""
    return RoomView(
        **_settings(row),
        head_seq=row.last_seq,
        member_id=member.member_id,
        role=member.role,
        notification_level=cast("NotificationLevel", member.notification_level),
        muted_until=member.muted_until,
        visible_from_seq=member.visible_from_seq,
        last_read_seq=member.last_read_seq,
        unread_count=member.unread_count,
        mention_count=member.mention_count,
        read_rev=member.read_rev,
        last_message=last_message,
        last_message_at=row.last_message_at,
    )


def room_page(rows: Sequence[Listed], next_cursor: str | None) -> Encoded[RoomPage]:
    """The room list, masked and encoded row by row."""
    listed = [{**row.room, "last_message": None if row.newest is None else message_as_json(row.newest)} for row in rows]
    body = orjson.dumps({"rooms": listed, "next_cursor": next_cursor}, option=orjson.OPT_UTC_Z)
    return Encoded(RoomPage, body)


def _settings(room: Room | Mapping[str, Any]) -> dict[str, Any]:
    return _picked(room, RoomSettingsView.model_fields)


def _picked(source: object, names: Iterable[str]) -> dict[str, Any]:
    if isinstance(source, dict):
        return {name: source[name] for name in names}
    return {name: getattr(source, name) for name in names}


def anonymous_member(member: Member | Mapping[str, Any]) -> MemberView:
    """A member as nobody in particular sees it: no profile, no read mark. What events carry."""
    return MemberView(**_picked(member, _MEMBER))


def directory(viewer: Member, room: Room, members: Sequence[Member], online: frozenset[str]) -> list[MemberView]:
    """The member directory as this viewer may see it; the only view that differs by viewer."""
    views = [anonymous_member(member) for member in members]
    if identity.visible_level(display_mode=room.display_mode) < identity.FULL_PROFILE:
        return views
    people = identities.profiles([member.user_id for member in members])
    viewer_shows = identities.shows_receipts(viewer.user_id)
    return [
        _named(view, member, people[member.user_id], member.user_id in online, viewer_shows=viewer_shows)
        for view, member in zip(views, members, strict=True)
    ]


def _named(
    view: MemberView, member: Member, person: identities.Person, is_online: bool, *, viewer_shows: bool
) -> MemberView:
    profile = ProfileView(**person.shown, is_online=is_online if person.shows_presence else None)
    # Receipts are symmetric: who hides them sees none.
    mark = member.last_read_seq if viewer_shows and person.shows_receipts else None
    return view.model_copy(update={"profile": profile, "last_read_seq": mark})


def profiles(user_ids: Sequence[str]) -> dict[str, ProfileView]:
    """People outside of rooms: in a team, in search, in one's own block list."""
    return {user_id: ProfileView(**person.shown) for user_id, person in identities.profiles(user_ids).items()}


def mentioned(room: Room, names: Sequence[str]) -> dict[str, UUID]:
    """Members of a room by the names that its directory shows: labels in a blind room, else people's names."""
    if identity.is_blind(room.display_mode):
        return identities.members_by_label(room.room_id, names)
    return identities.members_by_name(room.room_id, names)


def appended(new: NewMessage, member_id: UUID, room_id: UUID, seq: int, now: datetime) -> MessageView:
    """The view of a message that was just appended, without reading it back."""
    return MessageView.model_construct(
        message_id=new.message_id,
        room_id=room_id,
        seq=seq,
        changed_seq=seq,
        member_id=member_id,
        content=new.content,
        message_type="text",
        attachments=[],
        reactions={},
        mentions=list(new.mentions),
        mentions_all=new.mentions_all,
        thread_id=None,
        reply_to_id=new.reply_to_id,
        reply_count=0,
        last_reply_at=None,
        is_edited=False,
        is_deleted=False,
        is_pinned=False,
        client_message_id=new.client_message_id,
        system=None,
        poll=None,
        created_at=now,
        updated_at=now,
    )
