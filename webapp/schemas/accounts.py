"""Accounts, sessions, blocks and teams on the wire."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, Field

from webapp.domain import limits
from webapp.schemas.base import Description, DisplayName, Page, Prose, Query, Request, UserId, View
from webapp.schemas.rooms import ProfileView

Grade = Literal["1학년", "2학년", "3학년", "4학년", "대학원"]
Gender = Literal["male", "female", "other"]
Locale = Literal["ko", "en"]


def _lower(value: str) -> str:
    return value.lower()


Username = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.]{3,30}$"), AfterValidator(_lower)]
Password = Annotated[str, Field(min_length=8, max_length=128)]
Email = Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$"), Prose(255, least=5, lines=False)]
Label = Annotated[str, Prose(80, least=1, lines=False)]
TeamName = Annotated[str, Prose(80, least=1, lines=False)]


class MeView(View):
    """Oneself."""

    user_id: str
    username: str | None
    display_name: str
    email: str | None
    avatar_url: str | None
    locale: Locale
    school: str | None
    department: str | None
    grade: str | None
    gender: str | None
    created_at: datetime


class TokensView(View):
    """A sign-in: an access token for `expires_in` seconds and the refresh token that renews it once."""

    access_token: str
    refresh_token: str
    expires_in: int
    user: MeView


class Register(Request):
    username: Username
    password: Password
    display_name: DisplayName
    email: Email | None = None
    locale: Locale = "ko"


class Login(Request):
    username: str = Field(max_length=255)
    password: str = Field(max_length=1024)


class Refresh(Request):
    refresh_token: str = Field(max_length=4096)


class Logout(Request):
    """`everywhere` ends every session of the account, else only this one."""

    everywhere: bool = False


class UpdateMe(Request):
    """Only the fields given change."""

    display_name: DisplayName | None = None
    locale: Locale | None = None
    school: Label | None = None
    department: Label | None = None
    grade: Grade | None = None
    gender: Gender | None = None


class ChangePassword(Request):
    current_password: str = Field(max_length=1024)
    new_password: Password


class ResetPassword(Request):
    code: str = Field(min_length=8, max_length=200)
    new_password: Password


class SettingsView(View):
    """Privacy switches: who hides receipts sees none."""

    locale: Locale
    shows_receipts: bool
    shows_presence: bool


class UpdateSettings(Request):
    locale: Locale | None = None
    shows_receipts: bool | None = None
    shows_presence: bool | None = None


class SessionView(View):
    session_id: UUID
    user_agent: str
    created_at: datetime
    last_used_at: datetime
    is_current: bool


class SessionList(View):
    sessions: list[SessionView]
    next_cursor: str | None


class EndSessions(Query):
    """Ends one session, or with none named all others."""

    session_id: UUID | None = None


class UsersQuery(Page):
    query: Annotated[str, Prose(80, least=1, lines=False)]


class UserPage(View):
    users: list[ProfileView]
    next_cursor: str | None


class BlockView(View):
    """A block: of a person by `user`, of a label of a blind room by `room_id` and `anonymous_name`."""

    user: ProfileView | None
    room_id: UUID | None
    member_id: UUID | None
    anonymous_name: str | None
    created_at: datetime


class BlockPage(View):
    blocks: list[BlockView]
    next_cursor: str | None


class CreateTeam(Request):
    team_name: TeamName
    description: Description = ""


class TeamView(View):
    team_id: UUID
    team_name: str
    description: str
    role: str
    member_count: int
    created_at: datetime


class TeamPage(View):
    teams: list[TeamView]
    next_cursor: str | None


class TeamMemberView(View):
    role: str
    joined_at: datetime
    profile: ProfileView


class TeamMemberPage(View):
    members: list[TeamMemberView]
    next_cursor: str | None


class AddTeamMembers(Request):
    user_ids: list[UserId] = Field(min_length=1, max_length=limits.TEAM_MEMBERS_PER_CALL)


class TeamRoomView(View):
    """A public channel that a team member can join."""

    room_id: UUID
    room_name: str | None
    description: str | None
    member_count: int
    is_member: bool


class TeamRoomPage(View):
    rooms: list[TeamRoomView]
    next_cursor: str | None


class TicketView(View):
    ticket: str
    expires_in: int
