"""Coming into a room and going out of it, as steps of the use cases that do so."""

from __future__ import annotations

from uuid import UUID

from webapp.core.errors import AppError, ErrorCode
from webapp.core.ids import random_id
from webapp.domain import limits
from webapp.domain.rooms import begins_visible_at
from webapp.events.types import MemberJoined, MemberLeft
from webapp.models.member import Member
from webapp.models.room import Room
from webapp.repositories import cursors, members, rooms, users
from webapp.services import room_log
from webapp.services.unit_of_work import UnitOfWork


def raise_rooms_rev(uow: UnitOfWork, *user_ids: str) -> None:
    """Make these people's sockets look at their rooms again; locks the users, so it comes before the room's lock."""
    for user_id, rooms_rev in users.raise_rooms_rev(user_ids).items():
        uow.tell(user_id, rooms_rev=rooms_rev)


def refuse_more_rooms(user_id: str) -> None:
    """A person is in a bounded number of rooms; exact while the user is locked."""
    if members.count_rooms(user_id) >= limits.ROOMS_PER_USER:
        raise AppError(ErrorCode.limit_reached, {"limit": limits.ROOMS_PER_USER})


def new_member(uow: UnitOfWork, room: Room, user_id: str, *, role: str = "member") -> Member:
    """A membership of the locked room that begins now, at the head of its log; not inserted yet."""
    return Member(
        member_id=random_id(),
        room_id=room.room_id,
        user_id=user_id,
        role=role,
        is_active=True,
        is_muted=False,
        notification_level="all",
        changed_seq=room.last_seq,
        visible_from_seq=begins_visible_at(room.room_type, room.visibility, room.last_seq),
        last_read_seq=room.last_seq,
        unread_count=0,
        mention_count=0,
        read_rev=0,
        as_of_seq=room.last_seq,
        joined_at=uow.now,
    )


def enter(uow: UnitOfWork, room: Room, user_id: str) -> Member:
    """Let a person into the locked room; who comes back keeps member id and label, and sees from the new number on."""
    refuse_more_rooms(user_id)
    if members.count_active(room.room_id) >= limits.ROOM_MEMBERS:
        raise AppError(ErrorCode.limit_reached, {"limit": limits.ROOM_MEMBERS})
    cursors.lock(room.room_id, rooms.UNREAD)
    former = members.find_of_user(room.room_id, user_id)
    if former is None:
        member = members.add(new_member(uow, room, user_id))
    else:
        member = members.lock_all(room.room_id, [former.member_id])[former.member_id]
        member.is_active, member.left_at, member.joined_at = True, None, uow.now
    room_log.member_changed(uow, room, member, MemberJoined)
    member.visible_from_seq = begins_visible_at(room.room_type, room.visibility, member.changed_seq)
    room_log.system_message(uow, room, "member_joined", member_id=member.member_id)
    _read_up_to_head(room, member)
    return member


def depart(uow: UnitOfWork, room: Room, member_id: UUID, *, reason: str) -> Member:
    """Let a member out of the locked room (`reason`: left or removed); with its last member gone the room is closed."""
    cursors.lock(room.room_id, rooms.UNREAD)
    member = members.lock_all(room.room_id, [member_id])[member_id]
    member.is_active, member.left_at = False, uow.now
    room_log.member_changed(uow, room, member, MemberLeft, reason=reason)
    room_log.system_message(uow, room, f"member_{reason}", member_id=member_id)
    _read_up_to_head(room, member)
    room.is_active = members.count_active(room.room_id) > 0
    return member


def _read_up_to_head(room: Room, member: Member) -> None:
    # The unread counter adds nothing at or below `as_of_seq`, so the mark at the head makes zero exact.
    member.last_read_seq = member.as_of_seq = room.last_seq
    member.unread_count = member.mention_count = 0
    member.read_rev += 1
