from __future__ import annotations

import pytest

from tests.services.room_scenes import (
    Published,
    member_id,
    people,
    refused,
)
from webapp.core.errors import ErrorCode
from webapp.core.extensions import db
from webapp.models.member import Member
from webapp.schemas.base import Page
from webapp.schemas.rooms import UpdateRoom
from webapp.services import members, rooms
from webapp.services.matching_rooms import open_room

pytestmark = pytest.mark.usefixtures("context")


def test_a_blind_room_deals_labels_and_tells_no_order() -> None:
    actors = people(16)
    group_a, group_b = actors[:8], actors[8:]
    room_id = open_room([a.user_id for a in group_a], [b.user_id for b in group_b], display_mode="blind")
    views = members.list_members(group_a[0], room_id, Page()).members
    assert sorted(str(view.anonymous_name) for view in views) == sorted(f"{g}{n}" for g in "AB" for n in range(1, 9))
    assert all(view.anonymous_name[0] == view.group_label for view in views if view.anonymous_name and view.group_label)
    assert all(view.profile is None for view in views), "nobody has a face, oneself included"
    rows = db.session.query(Member).filter_by(room_id=room_id).all()
    assert len({row.joined_at for row in rows}) == 1
    labels = {row.user_id: row.anonymous_name for row in rows}
    assert [labels[a.user_id] for a in group_a] != [f"A{n}" for n in range(1, 9)] or (
        [labels[b.user_id] for b in group_b] != [f"B{n}" for n in range(1, 9)]
    ), "dealt in the order given (once in 1.6 billion by chance)"


def test_a_match_opens_with_a_word_from_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    actors = people(4)
    names = [actor.user_id for actor in actors]
    published = Published(monkeypatch)
    for mode, kind in (("blind", "blind_opened"), ("open", "match_opened")):
        room_id = open_room(names[:2], names[2:], display_mode=mode)  # type: ignore[arg-type]
        room = rooms.get(actors[0], room_id)
        assert room.last_message is not None
        assert room.last_message.system is not None
        assert (room.last_message.system.kind, room.head_seq, room.unread_count) == (kind, 1, 0)
        assert room.role == "member"
    assert [len(published.told(actor)) for actor in actors] == [2, 2, 2, 2]


def test_an_open_match_shows_faces_and_groups() -> None:
    actors = people(4)
    names = [actor.user_id for actor in actors]
    room_id = open_room(names[:2], names[2:], display_mode="open")
    views = members.list_members(actors[0], room_id, Page()).members
    assert {view.anonymous_name for view in views} == {None}
    assert {view.profile.user_id: view.group_label for view in views if view.profile} == dict(
        zip(names, "AABB", strict=True)
    )


def test_a_match_is_of_two_equal_groups_of_different_people() -> None:
    a, b, c, d, e = (actor.user_id for actor in people(5))
    for groups in (([a], [b]), ([a, b], [c]), ([a, b], [b, c]), ([a, b, e], [c, d])):
        with refused(ErrorCode.validation_failed):
            open_room(*groups, display_mode="blind")
    with refused(ErrorCode.user_not_found):
        open_room([a, b], [c, "nobody"], display_mode="blind")


def test_nobody_owns_a_matched_room_but_everyone_may_leave() -> None:
    actors = people(4)
    names = [actor.user_id for actor in actors]
    room_id = open_room(names[:2], names[2:], display_mode="blind")
    with refused(ErrorCode.permission_denied):
        rooms.update(actors[0], room_id, UpdateRoom(is_frozen=True))
    with refused(ErrorCode.permission_denied):
        members.remove(actors[0], room_id, member_id(actors[1], room_id))
    rooms.leave(actors[0], room_id)
    with refused(ErrorCode.room_not_found):
        rooms.join(actors[0], room_id)
