"""Teams: who is in them, and which channels they offer."""

from __future__ import annotations

from uuid import UUID

from webapp import presenters
from webapp.core.errors import AppError, ErrorCode
from webapp.core.ids import time_ordered_id
from webapp.domain import limits
from webapp.domain.permissions import Actor
from webapp.models.team import Team, TeamMember
from webapp.repositories import members, team_members, teams, users
from webapp.repositories import rooms as room_rows
from webapp.schemas.accounts import (
    AddTeamMembers,
    CreateTeam,
    TeamMemberPage,
    TeamMemberView,
    TeamPage,
    TeamRoomPage,
    TeamRoomView,
    TeamView,
)
from webapp.schemas.base import Ok, Page
from webapp.services import rooms
from webapp.services.paging import decode_cursor, encode_cursor, moment
from webapp.services.unit_of_work import reading, unit_of_work


def create(actor: Actor, body: CreateTeam) -> TeamView:
    """Anyone may make a team, and owns it."""
    with unit_of_work() as uow:
        users.find_active_ids([actor.user_id], lock=True)
        _refuse_more_teams([actor.user_id])
        team = Team(
            team_id=time_ordered_id(), team_name=body.team_name, description=body.description, created_at=uow.now
        )
        team_members.add_owner(teams.add(team).team_id, actor.user_id, uow.now)
        return _view(team.team_id, actor)


def get(actor: Actor, team_id: UUID) -> TeamView:
    """A team is there for those who are in it."""
    with reading():
        return _view(team_id, actor)


def list_teams(actor: Actor, query: Page) -> TeamPage:
    """One's own teams, the youngest first."""
    before: UUID | None = None
    if query.cursor is not None:
        (before,) = decode_cursor(query.cursor, UUID)
    with reading():
        rows = teams.list_rows_of_user(actor.user_id, before=before, limit=query.limit + 1)
    page = rows[: query.limit]
    return TeamPage(
        teams=[TeamView(**row._mapping) for row in page],
        next_cursor=encode_cursor(page[-1].team_id) if len(rows) > query.limit else None,
    )


def list_members(actor: Actor, team_id: UUID, query: Page) -> TeamMemberPage:
    """The people of a team know each other, in the order in which they came."""
    after = None
    if query.cursor is not None:
        joined_at, user_id = decode_cursor(query.cursor, moment, str)
        after = (joined_at, user_id)
    with reading():
        _place(team_id, actor)
        rows = team_members.list_page(team_id, after=after, limit=query.limit + 1)
        page = rows[: query.limit]
        people = presenters.profiles([row.user_id for row in page])
        return TeamMemberPage(
            members=[TeamMemberView(role=r.role, joined_at=r.joined_at, profile=people[r.user_id]) for r in page],
            next_cursor=encode_cursor(page[-1].joined_at, page[-1].user_id) if len(rows) > query.limit else None,
        )


def list_rooms(actor: Actor, team_id: UUID, query: Page) -> TeamRoomPage:
    """The public channels that a member of the team can join."""
    after: UUID | None = None
    if query.cursor is not None:
        (after,) = decode_cursor(query.cursor, UUID)
    with reading():
        _place(team_id, actor)
        rows = room_rows.list_public_of_team(team_id, actor.user_id, after=after, limit=query.limit + 1)
    page = rows[: query.limit]
    return TeamRoomPage(
        rooms=[TeamRoomView(**row._mapping) for row in page],
        next_cursor=encode_cursor(page[-1].room_id) if len(rows) > query.limit else None,
    )


def add_members(actor: Actor, team_id: UUID, body: AddTeamMembers) -> TeamView:
    """The owner may add people by id: all of them, or with one unknown nobody."""
    wanted = set(body.user_ids)
    with unit_of_work() as uow:
        if _place(team_id, actor).role != "owner":
            raise AppError(ErrorCode.permission_denied)
        unknown = wanted - users.find_active_ids(list(wanted), lock=True)
        if unknown:
            raise AppError(ErrorCode.user_not_found, {"user_ids": sorted(unknown)})
        # Keeps the owner from leaving alone meanwhile, which would end the team under the newcomers.
        _place(team_id, actor, share=True)
        _refuse_more_teams(list(wanted), beside=team_id)
        team_members.add_all(team_id, list(wanted), uow.now)
        return _view(team_id, actor)


def leave(actor: Actor, team_id: UUID) -> Ok:
    """A member leaves a team and first, one transaction each, its channels; its owner leaves only as the last one.

    A call that was cut short may be repeated: what was left stays left.
    """
    for room_id in _rooms_to_leave(actor, team_id):
        rooms.leave(actor, room_id)
    with unit_of_work():
        place = _place(team_id, actor, lock=True)
        _refuse_owner(place)
        if room_rows.list_of_team_member(team_id, actor.user_id):
            raise AppError(ErrorCode.state_conflict)
        team_members.remove(place)
    return Ok()


def _rooms_to_leave(actor: Actor, team_id: UUID) -> list[UUID]:
    """The actor's channels of a team, if none of them needs the actor as its owner."""
    with reading():
        _refuse_owner(_place(team_id, actor))
        present = room_rows.list_of_team_member(team_id, actor.user_id)
        owned = [row.room_id for row in present if row.role == "owner" and members.count_active(row.room_id) > 1]
        if owned:
            raise AppError(ErrorCode.owner_must_hand_over, {"room_ids": [str(room_id) for room_id in owned]})
        return [row.room_id for row in present]


def _refuse_owner(place: TeamMember) -> None:
    if place.role == "owner" and team_members.count(place.team_id) > 1:
        raise AppError(ErrorCode.owner_must_hand_over)


def _refuse_more_teams(user_ids: list[str], *, beside: UUID | None = None) -> None:
    full = [
        user_id
        for user_id, number in team_members.count_teams(user_ids, beside=beside).items()
        if number >= limits.TEAMS_PER_USER
    ]
    if full:
        raise AppError(ErrorCode.limit_reached, {"limit": limits.TEAMS_PER_USER, "user_ids": sorted(full)})


def _place(team_id: UUID, actor: Actor, *, share: bool = False, lock: bool = False) -> TeamMember:
    place = team_members.find(team_id, actor.user_id, share=share, lock=lock)
    if place is None:
        raise AppError(ErrorCode.team_not_found)
    return place


def _view(team_id: UUID, actor: Actor) -> TeamView:
    row = teams.find_row_of_user(team_id, actor.user_id)
    if row is None:
        raise AppError(ErrorCode.team_not_found)
    return TeamView(**row._mapping)
