"""Members of a room: the directory, one's own settings, and what the owner may do."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from webapp import presenters
from webapp.core.errors import AppError, ErrorCode
from webapp.domain import identity, limits
from webapp.domain.permissions import Actor, Permission
from webapp.integrations import presence
from webapp.models.member import Member
from webapp.repositories import blocks, cursors, members
from webapp.repositories import rooms as room_rows
from webapp.schemas.base import Page
from webapp.schemas.rooms import HandOver, MemberEnvelope, MemberPage, RoomView, UpdateMember, UpdateMembership
from webapp.services import access, membership, room_log, rooms
from webapp.services.access import Access
from webapp.services.paging import decode_cursor, encode_cursor
from webapp.services.unit_of_work import reading, unit_of_work


def list_members(actor: Actor, room_id: UUID, query: Page) -> MemberPage:
    """Everyone who is or was in the room, as far as this viewer may know them, in an order that tells nothing."""
    after: UUID | None = None
    if query.cursor is not None:
        (after,) = decode_cursor(query.cursor, UUID)
    with reading():
        seen = access.access_room(actor, room_id)
        rows = members.list_page(room_id, after=after, limit=query.limit + 1)
        page = rows[: query.limit]
        return MemberPage(
            members=presenters.directory(seen.member, seen.room, page, _online(seen, page)),
            directory_rev=seen.room.directory_rev,
            next_cursor=encode_cursor(page[-1].member_id) if len(rows) > query.limit else None,
        )


def update_me(actor: Actor, room_id: UUID, body: UpdateMembership) -> RoomView:
    """A member's own settings in a room are nobody else's business: they take no number and make no event."""
    with unit_of_work() as uow:
        seen = access.access_room(actor, room_id)
        member = members.lock_all(room_id, [seen.member.member_id])[seen.member.member_id]
        if body.notification_level is not None:
            member.notification_level = body.notification_level
        if "muted_until" in body.model_fields_set:
            member.muted_until = body.muted_until
            member.is_muted = body.muted_until is not None and body.muted_until > uow.now
        return rooms.view(seen)


def update(actor: Actor, room_id: UUID, member_id: UUID, body: UpdateMember) -> MemberEnvelope:
    """The owner may silence another member until a time, or end the silence."""
    with unit_of_work() as uow:
        seen = access.access_room_to_change(uow, actor, room_id, Permission.member_silence)
        member = _other_member(seen, member_id)
        until = body.silenced_until if body.silenced_until is not None and body.silenced_until > uow.now else None
        if member.silenced_until != until:
            member.silenced_until = until
            room_log.member_changed(uow, seen.room, member)
        return _shown(seen, member)


def remove(actor: Actor, room_id: UUID, member_id: UUID) -> MemberEnvelope:
    """The owner may remove another member, who from then on reads nothing of the room."""
    with unit_of_work() as uow:
        target = _other_member(access.access_room(actor, room_id, Permission.member_remove), member_id)
        membership.raise_rooms_rev(uow, target.user_id)
        seen = access.access_room_to_change(uow, actor, room_id, Permission.member_remove)
        _other_member(seen, member_id)
        return _shown(seen, membership.depart(uow, seen.room, member_id, reason="removed"))


def hand_over(actor: Actor, room_id: UUID, body: HandOver) -> RoomView:
    """A channel has one owner at any time, who may make another member the owner."""
    with unit_of_work() as uow:
        seen = access.access_room_to_change(uow, actor, room_id, Permission.owner_hand_over)
        if body.member_id != seen.member.member_id:
            # Keeps the unread counter, which writes members in any order, from crossing the two locks.
            cursors.lock(room_id, room_rows.UNREAD, share=True)
            pair = members.lock_all(room_id, [seen.member.member_id, body.member_id])
            heir = _other_member(seen, body.member_id)
            seen.member.role, heir.role = "member", "owner"
            for member in pair.values():
                room_log.member_changed(uow, seen.room, member)
            room_log.system_message(uow, seen.room, "owner_changed", member_id=heir.member_id)
        return rooms.view(seen)


def announce_profile(user_id: str) -> None:
    """After a change of name each open room of a person learns to fetch its directory; blind ones are told nothing."""
    with reading():
        room_ids = members.list_open_rooms(user_id, limit=limits.ROOMS_PER_USER)
    for room_id in room_ids:
        with unit_of_work() as uow:
            room = uow.lock_room(room_id)
            member = members.find_active(room_id, user_id)
            if member is not None and not identity.is_blind(room.display_mode):
                room_log.member_changed(uow, room, member)


def _other_member(seen: Access, member_id: UUID) -> Member:
    """A present member who isn't the owner that acts."""
    member = members.find(seen.room.room_id, member_id)
    if member is None or not member.is_active:
        raise AppError(ErrorCode.member_not_found)
    if member.member_id == seen.member.member_id:
        raise AppError(ErrorCode.state_conflict)
    return member


def _shown(seen: Access, member: Member) -> MemberEnvelope:
    (shown,) = presenters.directory(seen.member, seen.room, [member], _online(seen, [member]))
    return MemberEnvelope(member=shown)


def _online(seen: Access, shown: Sequence[Member]) -> frozenset[str]:
    """Who of these is connected, as this viewer may know it: nobody of a blind room, nobody across a block."""
    if identity.is_blind(seen.room.display_mode):
        return frozenset()
    return presence.online([m.user_id for m in shown]) - blocks.blocked_either_way(seen.member.user_id)
