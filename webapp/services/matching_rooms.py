"""The room that a match makes: two groups, named or nameless."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Literal
from uuid import UUID

from webapp.core.errors import AppError, ErrorCode, refused_field
from webapp.core.ids import time_ordered_id
from webapp.domain.identity import is_blind
from webapp.models.room import Room
from webapp.repositories import members, rooms, users
from webapp.services import membership, room_log
from webapp.services.unit_of_work import UnitOfWork, unit_of_work

GROUP_SIZES = range(2, 9)
_random = secrets.SystemRandom()


def open_room(group_a: Sequence[str], group_b: Sequence[str], *, display_mode: Literal["open", "blind"]) -> UUID:
    """A matched pair of groups gets one room, in a transaction of its own."""
    with unit_of_work() as uow:
        return place_room(uow, group_a, group_b, display_mode=display_mode).room_id


def place_room(
    uow: UnitOfWork, group_a: Sequence[str], group_b: Sequence[str], *, display_mode: Literal["open", "blind"]
) -> Room:
    """Two groups of equal size come into a room at one moment; neither labels nor rows nor times tell who is who."""
    everyone = [*group_a, *group_b]
    if len(group_a) != len(group_b) or len(group_a) not in GROUP_SIZES or len(set(everyone)) != len(everyone):
        raise refused_field("groups", "unequal_groups", "must be two of equal size, 2 to 8, with nobody twice")
    if users.find_active_ids(everyone, lock=True) != set(everyone):
        raise AppError(ErrorCode.user_not_found)
    membership.raise_rooms_rev(uow, *everyone)
    room = Room(room_id=time_ordered_id(), room_type="matching", display_mode=display_mode, visibility="private",
                created_at=uow.now, updated_at=uow.now)  # fmt: skip
    uow.adopt(rooms.add(room))
    places = [*_numbered("A", group_a), *_numbered("B", group_b)]
    newcomers = []
    for user_id, group_label, name in _random.sample(places, len(places)):
        member = membership.new_member(uow, room, user_id)
        member.group_label, member.anonymous_name = group_label, name if is_blind(display_mode) else None
        newcomers.append(member)
    members.add_all(newcomers)
    room_log.system_message(uow, room, "blind_opened" if is_blind(display_mode) else "match_opened")
    return room


def _numbered(group_label: str, user_ids: Sequence[str]) -> list[tuple[str, str, str]]:
    """A group with its labels, dealt out at random."""
    drawn = _random.sample(list(user_ids), len(user_ids))
    return [(user_id, group_label, f"{group_label}{number}") for number, user_id in enumerate(drawn, 1)]
