"""Scenes that tests of rooms begin with: people, teams and channels, made by the use cases themselves."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Barrier
from typing import Any
from uuid import UUID

import pytest
from flask import Flask

from tests.factories import make_user
from webapp.core import clock, ids
from webapp.core.errors import AppError, ErrorCode
from webapp.core.extensions import db
from webapp.domain.permissions import Actor
from webapp.events.publisher import Letter, LogEntry, publisher
from webapp.models.block import Block
from webapp.schemas.accounts import AddTeamMembers, CreateTeam
from webapp.schemas.messages import SendMessage
from webapp.schemas.rooms import CreateDirect, CreateTeamRoom, RoomView
from webapp.services import messages, rooms, teams


def person() -> Actor:
    return make_user().actor


def people(number: int) -> list[Actor]:
    return [person() for _ in range(number)]


def team_of(owner: Actor, *others: Actor) -> UUID:
    team = teams.create(owner, CreateTeam(team_name="알고리즘 스터디"))
    if others:
        teams.add_members(owner, team.team_id, AddTeamMembers(user_ids=[actor.user_id for actor in others]))
    return team.team_id


def channel(owner: Actor, team_id: UUID, visibility: Any = "public", name: str = "자유 채널") -> RoomView:
    return rooms.create_team_room(owner, CreateTeamRoom(team_id=team_id, room_name=name, visibility=visibility))


def channel_with(*members: Actor) -> RoomView:
    """A public channel that the first one owns and the others have joined."""
    owner, *others = members
    room = channel(owner, team_of(owner, *others))
    for actor in others:
        rooms.join(actor, room.room_id)
    return rooms.get(owner, room.room_id)


def direct(one: Actor, other: Actor) -> RoomView:
    return rooms.open_direct(one, CreateDirect(user_id=other.user_id))[0]


def say(actor: Actor, room_id: UUID, content: str = "안녕하세요") -> Any:
    return messages.send(actor, room_id, SendMessage(content=content)).message


def member_id(actor: Actor, room_id: UUID) -> UUID:
    return rooms.get(actor, room_id).member_id


def block(blocker: Actor, blocked: Actor, label: UUID | None = None) -> None:
    db.session.add(
        Block(
            block_id=ids.random_id(),
            blocker_id=blocker.user_id,
            blocked_id=blocked.user_id,
            member_id=label,
            created_at=clock.now(),
        )
    )
    db.session.commit()


@contextmanager
def refused(code: ErrorCode) -> Iterator[pytest.ExceptionInfo[AppError]]:
    with pytest.raises(AppError) as caught:
        yield caught
    assert caught.value.code is code


def at_once(app: Flask, calls: Sequence[Callable[[], Any]]) -> list[Any]:
    """Start these calls at one moment, each in a thread and a session of its own; answers and refusals in order."""
    start = Barrier(len(calls))

    def run(call: Callable[[], Any]) -> Any:
        with app.app_context():
            try:
                start.wait(10)
                return call()
            except AppError as error:
                return error
            finally:
                db.session.remove()

    with ThreadPoolExecutor(len(calls)) as threads:
        return list(threads.map(run, calls))


class Published:
    """What left for Redis, by channel."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.items: list[tuple[str, Any]] = []
        monkeypatch.setattr(publisher, "publish", lambda channel, item: self.items.append((channel, item)))

    def log(self, room_id: UUID) -> list[LogEntry]:
        found = [item for where, item in self.items if where == f"room:{room_id}" and isinstance(item, list)]
        return [entry for entries in found for entry in entries]

    def told(self, actor: Actor) -> list[int | None]:
        """The revisions of a person's rooms that their sockets were told."""
        letters = [item for where, item in self.items if where == f"user:{actor.user_id}" and isinstance(item, Letter)]
        return [letter.rooms_rev for letter in letters]
