"""Who is there, and in which rooms: every kind of room, and everybody in several."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal
from uuid import UUID, uuid4

from flask import Flask

from tests.factories import TestUser, make_direct_room, make_matching_room, make_team_room, make_user
from webapp.events.publisher import publisher
from webapp.integrations.tasks import dirty_rooms
from webapp.schemas.rooms import CreateInvitation
from webapp.services import invitations

PEOPLE = 20
VEILED = range(6)


@dataclass(frozen=True, slots=True)
class Place:
    """A room and those who are in it, its owner first."""

    room_id: UUID
    kind: Literal["public", "private", "direct", "blind"]
    people: tuple[TestUser, ...]

    def may_be_left_by(self, user: TestUser) -> bool:
        """Who leaves a public room comes back and sees all of it; an owner can't leave."""
        return self.kind == "public" and user is not self.people[0]


@dataclass(frozen=True, slots=True)
class World:
    """The people of a run, its rooms, and those whom nobody may recognise in the blind one."""

    people: list[TestUser]
    places: list[Place]
    veiled: list[TestUser]

    def secrets_kept_from(self, user: TestUser) -> list[str]:
        """What would tell who the others in the blind room are."""
        return [secret for other in self.veiled if other is not user for secret in secrets_of(other)]


def secrets_of(user: TestUser) -> tuple[str, str, str]:
    """Everything that names a person."""
    return user.user_id, user.username, user.display_name


def build(app: Flask) -> World:
    """Make the accounts and the rooms."""
    with app.app_context():
        people = []
        for _ in range(PEOPLE):
            mark = uuid4().hex[:12]
            people.append(make_user(f"veiled.{mark}", display_name=f"Veiled Person {mark}"))
        places = [
            _public(people[6], *people),
            _public(people[1], *people[:10]),
            _public(people[12], *people[8:16]),
            _private(people[4], *people[2:12]),
            _private(people[15], *people[10:]),
            _direct(people[0], people[19]),
            _direct(people[7], people[13]),
            Place(make_matching_room(people[:3], people[3:6]), "blind", tuple(people[:6])),
        ]
        publisher.flush()
        dirty_rooms.flush()
    return World(people, places, [people[number] for number in VEILED])


def _public(owner: TestUser, *people: TestUser) -> Place:
    others = [user for user in people if user is not owner]
    return Place(make_team_room(owner, *others), "public", (owner, *others))


def _private(owner: TestUser, *people: TestUser) -> Place:
    others = [user for user in people if user is not owner]
    room_id = make_team_room(owner, *others, visibility="private")
    code = invitations.create(owner.actor, room_id, CreateInvitation(expires_hours=1, max_uses=100)).code
    for user in others:
        invitations.accept(user.actor, code)
    return Place(room_id, "private", (owner, *others))


def _direct(one: TestUser, other: TestUser) -> Place:
    return Place(make_direct_room(one, other), "direct", (one, other))
