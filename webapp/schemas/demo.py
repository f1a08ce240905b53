"""The demo world as its files tell it: people by username, rooms by key, messages by their number in a room."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

from webapp.schemas.accounts import Gender, Grade, Label, Locale, TeamName, Username
from webapp.schemas.base import Description, DisplayName, RoomName, View
from webapp.schemas.messages import Content
from webapp.schemas.rooms import Visibility


class DemoPerson(View):
    username: Username
    display_name: DisplayName
    locale: Locale
    school: Label
    department: Label
    grade: Grade
    gender: Gender
    verified: bool


class DemoChannel(View):
    key: str
    room_name: RoomName
    visibility: Visibility
    description: Description
    members: list[str] | Literal["all"]


class DemoTeam(View):
    key: str
    team_name: TeamName
    owner: str
    members: list[str]
    channels: list[DemoChannel]

    def members_of(self, channel: DemoChannel) -> list[str]:
        """The people of a channel, its owner first."""
        people = self.members if channel.members == "all" else channel.members
        return [self.owner, *(name for name in people if name != self.owner)]


class DemoDirect(View):
    key: str
    people: tuple[str, str]


class DemoMatching(View):
    key: str
    display_mode: Literal["open", "blind"]
    group_a: list[str]
    group_b: list[str]

    @property
    def people(self) -> list[str]:
        """Both groups."""
        return [*self.group_a, *self.group_b]


class DemoLogin(View):
    username: str
    note_ko: str
    note_en: str


class DemoPoll(View):
    question: str
    options: list[str]


class DemoMessage(View):
    """`minutes` have passed since the room's message before, or for the first one since the world began."""

    id: int
    author: str
    minutes: int
    text: Content
    reply_to: int | None
    thread: int | None
    reactions: dict[str, list[str]]
    deleted: bool
    edited_from: str | None
    pinned: bool
    poll: DemoPoll | None


class DemoConversation(View):
    room: str
    messages: list[DemoMessage]

    @property
    def begins_after(self) -> timedelta:
        """How long the world has lasted when the first message is sent."""
        return timedelta(minutes=self.messages[0].minutes)

    @property
    def ends_after(self) -> timedelta:
        """The same for the last message."""
        return timedelta(minutes=sum(message.minutes for message in self.messages))


class DemoWorld(View):
    """All of it; `votes` are the usernames by option, by `room#message`, options counted from 0."""

    people: list[DemoPerson]
    teams: list[DemoTeam]
    direct: list[DemoDirect]
    matching: list[DemoMatching]
    logins: list[DemoLogin]
    conversations: dict[str, DemoConversation]
    votes: dict[str, dict[int, list[str]]]
