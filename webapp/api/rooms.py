"""Rooms over HTTP."""

from __future__ import annotations

from uuid import UUID

from webapp.domain.permissions import Actor
from webapp.schemas.base import Encoded, Ok
from webapp.schemas.rooms import CreateDirect, CreateTeamRoom, RoomPage, RoomsQuery, RoomView, UpdateRoom
from webapp.services import rooms


def list_rooms(actor: Actor, query: RoomsQuery) -> Encoded[RoomPage]:
    """The room list, newest activity first."""
    return rooms.list_rooms(actor, query)


def open_direct(actor: Actor, body: CreateDirect) -> tuple[RoomView, int]:
    """The direct room with a person: 201 when it is made, 200 when it was there."""
    room, created = rooms.open_direct(actor, body)
    return room, 201 if created else 200


def create_team_room(actor: Actor, body: CreateTeamRoom) -> RoomView:
    """A new channel of a team."""
    return rooms.create_team_room(actor, body)


def get(actor: Actor, room_id: UUID) -> RoomView:
    """One room."""
    return rooms.get(actor, room_id)


def update(actor: Actor, room_id: UUID, body: UpdateRoom) -> RoomView:
    """Changes settings of a channel (its owner)."""
    return rooms.update(actor, room_id, body)


def join(actor: Actor, room_id: UUID) -> RoomView:
    """Joins a public channel of one's team."""
    return rooms.join(actor, room_id)


def leave(actor: Actor, room_id: UUID) -> Ok:
    """Leaves a room."""
    return rooms.leave(actor, room_id)
