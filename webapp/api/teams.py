"""Teams over HTTP."""

from __future__ import annotations

from uuid import UUID

from webapp.domain.permissions import Actor
from webapp.schemas.accounts import AddTeamMembers, CreateTeam, TeamMemberPage, TeamPage, TeamRoomPage, TeamView
from webapp.schemas.base import Ok, Page
from webapp.services import teams


def list_teams(actor: Actor, query: Page) -> TeamPage:
    """One's own teams."""
    return teams.list_teams(actor, query)


def create(actor: Actor, body: CreateTeam) -> TeamView:
    """A new team."""
    return teams.create(actor, body)


def get(actor: Actor, team_id: UUID) -> TeamView:
    """One of one's teams."""
    return teams.get(actor, team_id)


def list_members(actor: Actor, team_id: UUID, query: Page) -> TeamMemberPage:
    """The people of a team."""
    return teams.list_members(actor, team_id, query)


def add_members(actor: Actor, team_id: UUID, body: AddTeamMembers) -> TeamView:
    """Adds people to a team (its owner)."""
    return teams.add_members(actor, team_id, body)


def leave(actor: Actor, team_id: UUID) -> Ok:
    """Leaves a team and its channels."""
    return teams.leave(actor, team_id)


def list_rooms(actor: Actor, team_id: UUID, query: Page) -> TeamRoomPage:
    """The public channels of a team."""
    return teams.list_rooms(actor, team_id, query)
