"""Fetch and permission in one call: "not there" and "not yours" answer the same."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from webapp.core.errors import AppError, ErrorCode
from webapp.domain import rooms as room_rules
from webapp.domain.permissions import Actor, Permission, allows
from webapp.models.member import Member
from webapp.models.message import Message
from webapp.models.room import Room
from webapp.repositories import blocks, members, messages, rooms
from webapp.services.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True)
class Access:
    """A room as one of its present members may see it."""

    room: Room
    member: Member
    hidden: frozenset[UUID]

    @property
    def visible_from(self) -> int:
        return max(self.member.visible_from_seq, self.room.floor_seq + 1 if self.room.floor_seq else 0)

    def sees(self, message: Message) -> bool:
        """A message born before one's view began, or by a label one has blocked, isn't there."""
        return message.seq >= self.visible_from and message.member_id not in self.hidden


def access_room(actor: Actor, room_id: UUID, *permissions: Permission) -> Access:
    """The room, for a present member with these permissions; else 404, or 403 for a member without them."""
    return _access(actor, rooms.find(room_id), permissions)


def access_room_to_change(uow: UnitOfWork, actor: Actor, room_id: UUID, *permissions: Permission) -> Access:
    """The same with the room locked, for a change that takes a number.

    Every change of membership holds this lock too, so the member read under it stays as it is.
    """
    if members.find_active(room_id, actor.user_id) is None:
        raise AppError(ErrorCode.room_not_found)
    return _access(actor, uow.lock_room(room_id), permissions)


def access_room_to_write(uow: UnitOfWork, actor: Actor, room_id: UUID) -> Access:
    """The same for a change of the conversation: not in a frozen or archived room, nor by a silenced member."""
    access = access_room_to_change(uow, actor, room_id)
    refuse_write(uow, access)
    return access


def refuse_write(uow: UnitOfWork, access: Access) -> None:
    """What keeps a present member from changing the conversation; also a block in a direct room."""
    room_rules.refuse_unless_open(access.room)
    room_rules.refuse_silenced(access.member.silenced_until, uow.now)
    if access.room.room_type == "direct" and blocks.between_members(access.room.room_id):
        raise AppError(ErrorCode.not_accepting_messages)


def access_message(access: Access, message_id: UUID, *, alive: bool = False, lock: bool = False) -> Message:
    """A message that the viewer sees in this room; `alive` refuses a tombstone with 409."""
    message = messages.find(access.room.room_id, message_id, lock=lock)
    if message is None or not access.sees(message):
        raise AppError(ErrorCode.message_not_found)
    if alive and message.is_deleted:
        raise AppError(ErrorCode.message_deleted)
    return message


def _access(actor: Actor, room: Room | None, permissions: tuple[Permission, ...]) -> Access:
    member = None if room is None else members.find_of_user(room.room_id, actor.user_id)
    if room is None or member is None or not member.is_active or not room.is_active:
        raise AppError(ErrorCode.room_not_found)
    if not all(allows(member.role, permission) for permission in permissions):
        raise AppError(ErrorCode.permission_denied)
    return Access(room, member, members.hidden_from(member, room.room_type))
