"""Rooms: finding, opening, joining, leaving, and their settings."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from webapp import presenters
from webapp.core.errors import AppError, ErrorCode, refused_field
from webapp.core.ids import time_ordered_id
from webapp.domain import limits
from webapp.domain.permissions import Actor, Permission
from webapp.domain.rooms import direct_key
from webapp.models.room import Room
from webapp.repositories import blocks, members, messages, room_list, rooms, team_members, teams, users
from webapp.repositories.messages import Scope
from webapp.schemas.base import Encoded, Ok
from webapp.schemas.rooms import CreateDirect, CreateTeamRoom, RoomPage, RoomsQuery, RoomView, UpdateRoom
from webapp.services import access, membership, room_log
from webapp.services.access import Access
from webapp.services.paging import decode_cursor, encode_cursor, moment
from webapp.services.unit_of_work import UnitOfWork, reading, unit_of_work


def list_rooms(actor: Actor, query: RoomsQuery) -> Encoded[RoomPage]:
    """A member's rooms, newest activity first, each with the newest message that the member may see."""
    before = None
    if query.cursor is not None:
        at, room_id = decode_cursor(query.cursor, moment, UUID)
        before = (at, room_id)
    rows = room_list.list_page(actor.user_id, room_type=query.room_type, before=before, limit=query.limit + 1)
    page = rows[: query.limit]
    return presenters.room_page(page, list_cursor(page[-1]) if len(rows) > query.limit else None)


def list_cursor(row: Any) -> str:
    """A room's place in the list, from its last activity and its id; the page after it begins there."""
    return encode_cursor(row.activity, row.room_id)


def get(actor: Actor, room_id: UUID) -> RoomView:
    """One of a member's rooms."""
    with reading():
        return view(access.access_room(actor, room_id))


def view(seen: Access) -> RoomView:
    """A room as one of its members has it, inside the caller's transaction."""
    scope = Scope(seen.room.room_id, seen.visible_from, seen.hidden)
    newest = messages.page_before(scope, None, 1)
    return presenters.room(seen.room, seen.member, presenters.message(newest[0]) if newest else None)


def open_direct(actor: Actor, body: CreateDirect) -> tuple[RoomView, bool]:
    """Two people have at most one direct room, whatever the race; the answer says whether it was made now."""
    if body.user_id == actor.user_id:
        raise refused_field("user_id", "oneself", "must be someone else")
    with unit_of_work() as uow:
        # Whoever else opens a room of this pair waits here until this one is there.
        pair = sorted((actor.user_id, body.user_id))
        if body.user_id not in users.find_active_ids(pair, lock=True):
            raise AppError(ErrorCode.user_not_found)
        if blocks.either_way(actor.user_id, body.user_id):
            raise AppError(ErrorCode.not_accepting_messages)
        key = direct_key(actor.user_id, body.user_id)
        room = rooms.find_direct(key)
        created = room is None
        if room is None:
            membership.refuse_more_rooms(actor.user_id)
            membership.raise_rooms_rev(uow, *pair)
            room = _new_room(uow, room_type="direct", visibility="private", direct_key=key)
            members.add_all([membership.new_member(uow, room, user_id) for user_id in pair])
        return view(access.access_room(actor, room.room_id)), created


def create_team_room(actor: Actor, body: CreateTeamRoom) -> RoomView:
    """A member of a team may make channels of it, and owns those."""
    with unit_of_work() as uow:
        membership.raise_rooms_rev(uow, actor.user_id)
        membership.refuse_more_rooms(actor.user_id)
        if team_members.find(body.team_id, actor.user_id, share=True) is None:
            raise AppError(ErrorCode.team_not_found)
        teams.find(body.team_id, lock=True)
        if rooms.count_of_team(body.team_id) >= limits.ROOMS_PER_TEAM:
            raise AppError(ErrorCode.limit_reached, {"limit": limits.ROOMS_PER_TEAM})
        room = _new_room(
            uow,
            room_type="team",
            team_id=body.team_id,
            room_name=body.room_name,
            description=body.description,
            visibility=body.visibility,
        )
        members.add(membership.new_member(uow, room, actor.user_id, role="owner"))
        return view(access.access_room(actor, room.room_id))


def join(actor: Actor, room_id: UUID) -> RoomView:
    """A member of a team may join its public channels; for a present member nothing changes."""
    with unit_of_work() as uow:
        if members.find_active(room_id, actor.user_id) is None:
            membership.raise_rooms_rev(uow, actor.user_id)
            team_id = _team_with_public(rooms.find(room_id))
            if team_members.find(team_id, actor.user_id, share=True) is None:
                raise AppError(ErrorCode.room_not_found)
            room = uow.lock_room(room_id)
            _team_with_public(room)
            if members.find_active(room_id, actor.user_id) is None:
                refuse_archived(room)
                membership.enter(uow, room, actor.user_id)
        return view(access.access_room(actor, room_id))


def leave(actor: Actor, room_id: UUID) -> Ok:
    """A member may leave any room but a direct one; an owner hands over first, or is the last and so closes the room.

    A closed room is found and joined by nobody; its messages stay, for staff and for retention.
    """
    with unit_of_work() as uow:
        access.access_room(actor, room_id)
        membership.raise_rooms_rev(uow, actor.user_id)
        seen = access.access_room_to_change(uow, actor, room_id)
        if seen.room.room_type == "direct":
            raise AppError(ErrorCode.state_conflict)
        if seen.member.role == "owner" and members.count_active(room_id) > 1:
            raise AppError(ErrorCode.owner_must_hand_over)
        membership.depart(uow, seen.room, seen.member.member_id, reason="left")
        return Ok()


def update(actor: Actor, room_id: UUID, body: UpdateRoom) -> RoomView:
    """The owner may change a channel's settings; an archived one can only be taken out of the archive."""
    wanted = body.model_dump(include=body.model_fields_set, exclude_none=True)
    needed = {Permission.room_archive if name == "is_archived" else Permission.room_update for name in wanted}
    with unit_of_work() as uow:
        seen = access.access_room_to_change(uow, actor, room_id, *needed)
        room = seen.room
        changes = {name: value for name, value in wanted.items() if getattr(room, name) != value}
        if changes and "is_archived" not in changes:
            refuse_archived(room)
        if changes:
            for name, value in changes.items():
                setattr(room, name, value)
            room_log.room_changed(uow, room)
            for kind, params in _sayings(changes):
                room_log.system_message(uow, room, kind, **params)
        return view(seen)


def refuse_archived(room: Room) -> None:
    """An archived channel stays as it is."""
    if room.is_archived:
        raise AppError(ErrorCode.room_archived)


def _sayings(changes: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """What the room is told about its new settings; a new description speaks for itself."""
    sayings: list[tuple[str, dict[str, Any]]] = []
    if "room_name" in changes:
        sayings.append(("room_renamed", {"room_name": changes["room_name"]}))
    if "slow_mode_seconds" in changes:
        sayings.append(("slow_mode_changed", {"seconds": changes["slow_mode_seconds"]}))
    if "is_frozen" in changes:
        sayings.append(("room_frozen" if changes["is_frozen"] else "room_unfrozen", {}))
    if "is_archived" in changes:
        sayings.append(("room_archived" if changes["is_archived"] else "room_unarchived", {}))
    return sayings


def _new_room(uow: UnitOfWork, **fields: Any) -> Room:
    return uow.adopt(rooms.add(Room(room_id=time_ordered_id(), created_at=uow.now, updated_at=uow.now, **fields)))


def _team_with_public(room: Room | None) -> UUID:
    """The team whose members may join this room by themselves; a room without one isn't there for strangers."""
    if room is None or not room.is_active or room.visibility != "public" or room.team_id is None:
        raise AppError(ErrorCode.room_not_found)
    return room.team_id
