from __future__ import annotations

import pytest

from tests.services.room_scenes import Published, channel_with, people, refused
from webapp.core.errors import ErrorCode
from webapp.schemas.messages import SaveDraft
from webapp.schemas.rooms import UpdateRoom
from webapp.services import drafts, rooms

pytestmark = pytest.mark.usefixtures("context")


def test_a_draft_is_kept_replaced_and_removed() -> None:
    (minsu,) = people(1)
    room_id = channel_with(minsu).room_id
    assert drafts.get(minsu, room_id).content == ""

    drafts.save(minsu, room_id, SaveDraft(content="안녕"))
    saved = drafts.save(minsu, room_id, SaveDraft(content="안녕하세"))
    assert drafts.get(minsu, room_id) == saved
    assert saved.content == "안녕하세"

    assert drafts.save(minsu, room_id, SaveDraft(content="")).updated_at is None
    assert drafts.get(minsu, room_id).updated_at is None


def test_a_draft_is_its_writers_alone_and_no_event_tells_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    minsu, jiyoung = people(2)
    room_id = channel_with(minsu, jiyoung).room_id
    before = rooms.get(minsu, room_id).head_seq
    published = Published(monkeypatch)

    drafts.save(minsu, room_id, SaveDraft(content="비밀"))

    assert drafts.get(jiyoung, room_id).content == ""
    assert published.items == []
    assert rooms.get(minsu, room_id).head_seq == before


def test_a_draft_may_be_kept_in_a_frozen_room_but_not_by_a_stranger() -> None:
    minsu, stranger = people(2)
    room_id = channel_with(minsu).room_id
    rooms.update(minsu, room_id, UpdateRoom(is_frozen=True))
    assert drafts.save(minsu, room_id, SaveDraft(content="나중에")).content == "나중에"
    with refused(ErrorCode.room_not_found):
        drafts.get(stranger, room_id)
    with refused(ErrorCode.room_not_found):
        drafts.save(stranger, room_id, SaveDraft(content="?"))
