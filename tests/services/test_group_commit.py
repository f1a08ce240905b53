"""Group commit while the database goes away: who was answered stays answered, and the room goes on."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from flask import Flask

from tests.factories import TestUser, make_team_room, make_user, say
from webapp.core.errors import AppError, ErrorCode
from webapp.repositories import append
from webapp.repositories.append import NewMessage
from webapp.services.group_commit import GroupCommit, _Waiting

pytestmark = pytest.mark.usefixtures("context")


class Broken:
    """A step of the hot path that loses its connection the first time, before or after its effect."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, step: str, *, after: bool = False) -> None:
        self._step, self._after, self._calls = getattr(append, step), after, 0
        monkeypatch.setattr(append, step, self)

    def __call__(self, *args: Any) -> Any:
        self._calls += 1
        done = self._step(*args) if self._calls > 1 or self._after else None
        if self._calls == 1:
            raise psycopg.OperationalError("gone")
        return done


def waiting(sender: TestUser) -> _Waiting:
    return _Waiting(NewMessage(uuid4(), sender.user_id, "hello", uuid4(), b"hash"))


def commit(app: Flask, room_id: UUID, *batch: _Waiting) -> None:
    """As a committer does that has a connection from before."""
    url = app.config["FOCUSMATE"].database_url
    connection = GroupCommit()._commit(url, append.open_connection(url), room_id, list(batch))
    assert connection is not None
    connection.close()


def test_a_refusal_in_an_interrupted_batch_is_final_and_harms_nobody(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice, stranger = make_user(), make_user()
    room_id = make_team_room(alice)
    Broken(monkeypatch, "append")
    good, bad = waiting(alice), waiting(stranger)
    commit(app, room_id, bad, good)
    with pytest.raises(AppError) as refused:
        bad.answers[0].result(0)
    assert refused.value.code is ErrorCode.room_not_found
    assert good.answers[0].result(0).created


def test_a_commit_whose_answer_was_lost_is_found_and_not_repeated(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    alice = make_user()
    room_id = make_team_room(alice)
    Broken(monkeypatch, "append", after=True)
    sent = waiting(alice)
    commit(app, room_id, sent)
    assert sent.answers[0].result(0).created
    assert say(alice, room_id).seq == sent.answers[0].result(0).message.seq + 1


def test_a_connection_lost_while_looking_for_a_repeat_is_opened_again(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice = make_user()
    room_id = make_team_room(alice)
    first = waiting(alice)
    commit(app, room_id, first)
    repeat = _Waiting(first.message)
    Broken(monkeypatch, "read_stored")
    commit(app, room_id, repeat)
    assert repeat.answers[0].result(0).message == first.answers[0].result(0).message
