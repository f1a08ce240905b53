"""While the broker or the database is away, what was to be done is kept and done later."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest
from sqlalchemy.exc import OperationalError

from webapp.integrations import tasks
from webapp.integrations.tasks import ROOMS_PER_TASK, DirtyRooms
from webapp.services import unread
from workers.unread import advance


def test_rooms_stay_marked_until_the_broker_takes_them(monkeypatch: pytest.MonkeyPatch) -> None:
    queued: set[str] = set()
    room_for = [1]

    def send(name: str, ids: list[str]) -> bool:
        room_for[0] -= 1
        if room_for[0] < 0:
            return False
        queued.update(ids)
        return True

    monkeypatch.setattr(tasks, "send", send)
    dirty = DirtyRooms()
    rooms = {uuid4() for _ in range(ROOMS_PER_TASK + 1)}
    dirty._rooms |= rooms
    assert not dirty.flush()
    assert len(queued) == ROOMS_PER_TASK
    room_for[0] = 9
    assert dirty.flush()
    assert {UUID(room_id) for room_id in queued} == rooms


@pytest.mark.usefixtures("context")
def test_a_task_is_tried_again_when_the_database_was_away(monkeypatch: pytest.MonkeyPatch) -> None:
    tries: list[list[UUID]] = []

    def advance_all(room_ids: object) -> None:
        tries.append(list(room_ids))  # type: ignore[call-overload]
        if len(tries) < 3:
            raise OperationalError("SELECT", {}, Exception("gone"))

    monkeypatch.setattr(unread, "advance_all", advance_all)
    room_id = uuid4()
    assert advance.apply(args=([str(room_id)],)).successful()
    assert tries == [[room_id]] * 3
