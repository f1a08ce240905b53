"""The demo world: people, teams and rooms whose conversations took place in the past three weeks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID, uuid5

from webapp.core import clock
from webapp.domain import limits
from webapp.domain.imports import dated_id
from webapp.domain.rooms import direct_key
from webapp.integrations import passwords
from webapp.integrations.tasks import dirty_rooms
from webapp.models.room import Room
from webapp.models.team import Team
from webapp.repositories import imports, members, rooms, team_members, teams, users
from webapp.repositories.users import TakenError
from webapp.schemas.demo import DemoChannel, DemoDirect, DemoMatching, DemoTeam, DemoWorld
from webapp.schemas.imports import KOREA
from webapp.services import demo_history, matching_rooms, membership, tokens
from webapp.services.operator_errors import OperatorError
from webapp.services.unit_of_work import UnitOfWork, reading, unit_of_work

PASSWORD = "focusmate-demo"  # noqa: S105 - for people who don't exist, and never in production
BEFORE_THE_WORLD = timedelta(days=7)
BEFORE_THE_FIRST_MESSAGE = timedelta(minutes=10)
_PEOPLE = UUID("8c5f3f0a-6a3d-5d0b-9d39-52a1b6b0e7c4")
_TURNS = "demo"
_EVERYBODY = 100


@dataclass(frozen=True)
class Seeded:
    """What a run has added; nothing, when all was there."""

    people: int = 0
    rooms: int = 0
    messages: int = 0


@dataclass(frozen=True)
class _Plan:
    """A room that is to be, and how it is opened; by nobody, when its people have opened it themselves."""

    key: str
    people: Sequence[str]
    open: Callable[[UnitOfWork], Room | None]


def seed(world: DemoWorld) -> Seeded:
    """The world is made once, a room a transaction: what is there stays as it is, what is missing is added."""
    if tokens.config().is_production:
        raise OperatorError("운영 환경에는 시연 자료를 넣지 않습니다", "demo data never enters production")
    begin = _beginning(world, clock.now())
    try:
        people = _place_people(world, begin)
    except TakenError as taken:
        raise OperatorError(
            "시연 계정의 이름을 다른 계정이 쓰고 있습니다", f"another account has a demo account's {taken.field}"
        ) from None
    with reading():
        present = imports.demo_keys()
    written = [_place_room(world, plan, begin) for plan in _plans(world) if plan.key not in present]
    dirty_rooms.flush()
    return Seeded(people, sum(count > 0 for count in written), sum(written))


def _beginning(world: DemoWorld, now: datetime) -> datetime:
    """The last Monday, 9 o'clock in Korea, from which everything lies in the past."""
    latest = (now - max(conversation.ends_after for conversation in world.conversations.values())).astimezone(KOREA)
    monday = (latest - timedelta(days=latest.weekday())).replace(hour=9, minute=0, second=0, microsecond=0)
    return monday if monday <= latest else monday - timedelta(weeks=1)


def _user_id(username: str) -> str:
    return str(uuid5(_PEOPLE, username))


def _place_people(world: DemoWorld, begin: datetime) -> int:
    with unit_of_work() as uow:
        imports.take_turns(_TURNS)
        if users.find(_user_id(world.people[0].username)) is not None:
            return 0
        uow.now = begin - BEFORE_THE_WORLD
        # One hash for all: they share the password that is printed.
        password_hash = passwords.hashed(PASSWORD)
        for person in world.people:
            fields = person.model_dump(exclude={"verified"})
            users.add(_user_id(person.username), password_hash=password_hash, created_at=uow.now, **fields)
        for team in world.teams:
            _place_team(uow, team)
    return len(world.people)


def _place_team(uow: UnitOfWork, team: DemoTeam) -> None:
    row = teams.add(Team(team_id=dated_id(uow.now), team_name=team.team_name, description="", created_at=uow.now))
    team_members.add_owner(row.team_id, _user_id(team.owner), uow.now)
    team_members.add_all(row.team_id, [_user_id(name) for name in team.members if name != team.owner], uow.now)


def _plans(world: DemoWorld) -> list[_Plan]:
    """Every room, in the order of first messages."""
    plans = [
        _Plan(channel.key, team.members_of(channel), partial(_open_channel, team, channel))
        for team in world.teams
        for channel in team.channels
    ]
    plans += [_Plan(pair.key, pair.people, partial(_open_direct, pair)) for pair in world.direct]
    plans += [_Plan(match.key, match.people, partial(_open_matching, match)) for match in world.matching]
    return sorted(plans, key=lambda plan: world.conversations[plan.key].begins_after)


def _place_room(world: DemoWorld, plan: _Plan, begin: datetime) -> int:
    """How many messages were written; none when the room has come into being meanwhile."""
    conversation = world.conversations[plan.key]
    with unit_of_work() as uow:
        imports.take_turns(_TURNS)
        if plan.key in imports.demo_keys():
            return 0
        end, uow.now = uow.now, begin + conversation.begins_after - BEFORE_THE_FIRST_MESSAGE
        room = plan.open(uow)
        if room is None:
            return 0
        room.room_metadata = {"demo": plan.key}
        present = {member.user_id: member for member in members.list_page(room.room_id, after=None, limit=_EVERYBODY)}
        scene = demo_history.Scene(room, {name: present[_user_id(name)] for name in plan.people}, begin, end)
        demo_history.write(scene, uow, conversation, world.votes)
    dirty_rooms.mark(room.room_id)
    return len(conversation.messages)


def _open_channel(team: DemoTeam, channel: DemoChannel, uow: UnitOfWork) -> Room:
    owner_id, *others = [_user_id(name) for name in team.members_of(channel)]
    membership.raise_rooms_rev(uow, owner_id, *others)
    room = _new_room(
        uow,
        room_type="team",
        team_id=_team_id(team),
        room_name=channel.room_name,
        description=channel.description,
        visibility=channel.visibility,
    )
    owner = membership.new_member(uow, room, owner_id, role="owner")
    members.add_all([owner, *(membership.new_member(uow, room, user_id) for user_id in others)])
    return room


def _team_id(team: DemoTeam) -> UUID:
    rows = teams.list_rows_of_user(_user_id(team.owner), before=None, limit=limits.TEAMS_PER_USER)
    team_id: UUID = next(row.team_id for row in reversed(rows) if row.team_name == team.team_name)
    return team_id


def _open_direct(pair: DemoDirect, uow: UnitOfWork) -> Room | None:
    one, other = sorted(_user_id(name) for name in pair.people)
    membership.raise_rooms_rev(uow, one, other)
    key = direct_key(one, other)
    if rooms.find_direct(key) is not None:
        return None
    room = _new_room(uow, room_type="direct", visibility="private", direct_key=key)
    members.add_all([membership.new_member(uow, room, user_id) for user_id in (one, other)])
    return room


def _open_matching(match: DemoMatching, uow: UnitOfWork) -> Room:
    group_a, group_b = ([_user_id(name) for name in group] for group in (match.group_a, match.group_b))
    return matching_rooms.place_room(uow, group_a, group_b, display_mode=match.display_mode)


def _new_room(uow: UnitOfWork, **fields: Any) -> Room:
    return uow.adopt(rooms.add(Room(room_id=dated_id(uow.now), created_at=uow.now, updated_at=uow.now, **fields)))
