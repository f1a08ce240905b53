"""Rows that tests start from, made through the services where that is cheap and straight into tables where not."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID, uuid4

from sqlalchemy import text

from webapp.core import clock
from webapp.core.extensions import db
from webapp.domain.permissions import Actor
from webapp.schemas.accounts import AddTeamMembers, CreateTeam
from webapp.schemas.messages import MessageView, SendMessage
from webapp.schemas.rooms import CreateDirect, CreateTeamRoom
from webapp.services import matching_rooms, messages, rooms, teams, tokens

_numbers = itertools.count(1)


@dataclass(frozen=True)
class TestUser:
    """An account with a signed-in session."""

    __test__ = False

    user_id: str
    username: str
    display_name: str
    token: str
    actor: Actor

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}


def make_user(username: str | None = None, **fields: object) -> TestUser:
    """An account with a session, without the cost of hashing a password. Needs an app context."""
    username = username or f"user{next(_numbers)}"
    user_id, session_id, now = f"u-{uuid4()}", uuid4(), clock.now()
    columns = {"display_name": f"이름 {username}", "locale": "ko", **fields}
    names = ", ".join(columns)
    places = ", ".join(f":{name}" for name in columns)
    db.session.execute(
        text(f"INSERT INTO users (user_id, username, {names}) VALUES (:user_id, :username, {places})"),
        {"user_id": user_id, "username": username, **columns},
    )
    db.session.execute(
        text(
            "INSERT INTO sessions (session_id, user_id, last_used_at, expires_at) "
            "VALUES (:session_id, :user_id, :now, :until)"
        ),
        {"session_id": session_id, "user_id": user_id, "now": now, "until": now + timedelta(days=7)},
    )
    db.session.commit()
    token = tokens.access_token(user_id, session_id, now)
    return TestUser(user_id, username, str(columns["display_name"]), token, Actor(user_id, session_id, 0, "ko"))


def make_team(owner: TestUser, *members: TestUser) -> UUID:
    """A team of these people."""
    team_id = teams.create(owner.actor, CreateTeam(team_name="팀")).team_id
    if members:
        teams.add_members(owner.actor, team_id, AddTeamMembers(user_ids=[m.user_id for m in members]))
    return team_id


def make_team_room(owner: TestUser, *members: TestUser, visibility: str = "public", room_name: str = "일반") -> UUID:
    """A channel of a new team, which all of these people have joined."""
    team_id = make_team(owner, *members)
    body = CreateTeamRoom.model_validate({"team_id": team_id, "room_name": room_name, "visibility": visibility})
    room_id = rooms.create_team_room(owner.actor, body).room_id
    for member in members:
        if visibility == "public":
            rooms.join(member.actor, room_id)
    return room_id


def make_direct_room(one: TestUser, other: TestUser) -> UUID:
    """The direct room of two people."""
    opened = rooms.open_direct(one.actor, CreateDirect(user_id=other.user_id))
    view = opened[0] if isinstance(opened, tuple) else opened
    return view.room_id


def make_matching_room(group_a: list[TestUser], group_b: list[TestUser], *, display_mode: str = "blind") -> UUID:
    """A matching room of two groups."""
    return matching_rooms.open_room(
        [u.user_id for u in group_a], [u.user_id for u in group_b], display_mode=display_mode
    )


def say(user: TestUser, room_id: UUID, content: str = "안녕하세요", **fields: object) -> MessageView:
    """A message of this person."""
    return messages.send(user.actor, room_id, SendMessage(content=content, **fields)).message  # type: ignore[arg-type]
