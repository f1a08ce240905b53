"""A new name reaches the rooms in which a person is known by name, and no blind one."""

from __future__ import annotations

import pytest

from tests.factories import make_direct_room, make_matching_room, make_user
from webapp.domain.permissions import Actor
from webapp.repositories import rooms as rows
from webapp.schemas.accounts import UpdateMe
from webapp.schemas.rooms import ChangesQuery
from webapp.services import accounts, members, rooms, sync

pytestmark = pytest.mark.usefixtures("context")


def directory_rev(actor: Actor, room_id: object) -> int:
    return rooms.get(actor, room_id).directory_rev  # type: ignore[arg-type]


def test_a_new_name_makes_open_rooms_fetch_their_directory_and_tells_blind_ones_nothing() -> None:
    me, friend, a2, b2 = (make_user() for _ in range(4))
    direct, blind = make_direct_room(me, friend), make_matching_room([me, a2], [friend, b2])
    before = {room_id: (rows.find(room_id), directory_rev(friend.actor, room_id)) for room_id in (direct, blind)}
    blind_head = rooms.get(friend.actor, blind).head_seq

    accounts.update_me(me.actor, UpdateMe(display_name="개명"))
    members.announce_profile(me.user_id)

    assert directory_rev(friend.actor, direct) > before[direct][1]
    assert directory_rev(friend.actor, blind) == before[blind][1]
    assert rooms.get(friend.actor, blind).head_seq == blind_head, "not even a number"


def test_the_change_is_in_the_log_and_names_nobody() -> None:
    me, friend = make_user(), make_user()
    direct = make_direct_room(me, friend)
    head = rooms.get(friend.actor, direct).head_seq
    members.announce_profile(me.user_id)
    answer = sync.changes(friend.actor, direct, ChangesQuery(after=head))
    view = answer.parsed() if hasattr(answer, "parsed") else answer
    (change,) = view.changes
    assert change.type == "member_updated"
    assert change.data.member.profile is None
