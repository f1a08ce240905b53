from __future__ import annotations

from functools import partial
from uuid import UUID

import pytest
from flask import Flask

from tests.services.room_scenes import at_once, channel, people, person, refused, say, team_of
from webapp.core.errors import ErrorCode
from webapp.domain import limits
from webapp.domain.permissions import Actor
from webapp.schemas.accounts import AddTeamMembers, CreateTeam
from webapp.schemas.base import Page
from webapp.schemas.rooms import HandOver, RoomsQuery, UpdateRoom
from webapp.services import members, rooms, teams

pytestmark = pytest.mark.usefixtures("context")


def names(viewer: Actor, team_id: UUID) -> list[str | None]:
    return [member.profile.user_id for member in teams.list_members(viewer, team_id, Page()).members]


def test_who_makes_a_team_owns_it_and_adds_people() -> None:
    owner, one, other = people(3)
    team_id = team_of(owner)
    wanted = [one.user_id, other.user_id, one.user_id]
    assert teams.add_members(owner, team_id, AddTeamMembers(user_ids=wanted)).member_count == 3
    again = teams.add_members(owner, team_id, AddTeamMembers(user_ids=[one.user_id, owner.user_id]))
    assert (again.member_count, again.role) == (3, "owner"), "who is in stays as they are"
    assert teams.get(other, team_id).role == "member"


def test_an_unknown_person_is_named_and_nobody_is_added() -> None:
    owner, one = people(2)
    team_id = team_of(owner)
    with refused(ErrorCode.user_not_found) as caught:
        teams.add_members(owner, team_id, AddTeamMembers(user_ids=[one.user_id, "nobody"]))
    assert caught.value.details == {"user_ids": ["nobody"]}
    assert names(owner, team_id) == [owner.user_id]


def test_only_the_owner_adds_people() -> None:
    owner, one = people(2)
    team_id = team_of(owner, one)
    with refused(ErrorCode.permission_denied):
        teams.add_members(one, team_id, AddTeamMembers(user_ids=[owner.user_id]))
    with refused(ErrorCode.team_not_found):
        teams.add_members(person(), team_id, AddTeamMembers(user_ids=[owner.user_id]))


def test_a_team_is_there_for_its_members_only() -> None:
    team_id, stranger = team_of(person()), person()
    for call in (teams.get, teams.leave):
        with refused(ErrorCode.team_not_found):
            call(stranger, team_id)
    for page in (teams.list_members, teams.list_rooms):
        with refused(ErrorCode.team_not_found):
            page(stranger, team_id, Page())


def test_a_person_is_in_a_bounded_number_of_teams(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "TEAMS_PER_USER", 1)
    owner, busy = people(2)
    team_of(busy)
    team_id = team_of(owner)
    with refused(ErrorCode.limit_reached):
        teams.add_members(owner, team_id, AddTeamMembers(user_ids=[busy.user_id]))
    with refused(ErrorCode.limit_reached):
        teams.create(busy, CreateTeam(team_name="둘째"))
    assert teams.add_members(owner, team_id, AddTeamMembers(user_ids=[owner.user_id])).member_count == 1


def test_lists_are_walked_without_gaps() -> None:
    owner, *others = people(5)
    team_id = team_of(owner, *others)
    more = [team_of(owner) for _ in range(2)]
    made = [channel(owner, team_id, name=f"채널 {n}").room_id for n in range(3)]

    def walk(call: object, *where: UUID) -> list[object]:
        found: list[object] = []
        cursor = None
        while True:
            page = call(owner, *where, Page(cursor=cursor, limit=2))  # type: ignore[operator]
            (field,) = set(type(page).model_fields) - {"next_cursor"}
            found += getattr(page, field)
            cursor = page.next_cursor
            if cursor is None:
                return found

    assert [team.team_id for team in walk(teams.list_teams)] == [more[1], more[0], team_id]  # type: ignore[attr-defined]
    assert [room.room_id for room in walk(teams.list_rooms, team_id)] == made  # type: ignore[attr-defined]
    people_found = [member.profile.user_id for member in walk(teams.list_members, team_id)]  # type: ignore[attr-defined]
    assert people_found[0] == owner.user_id
    assert sorted(people_found) == sorted(actor.user_id for actor in (owner, *others))


def test_a_team_offers_its_public_channels() -> None:
    owner, other = people(2)
    team_id = team_of(owner, other)
    room = channel(owner, team_id, name="모두")
    channel(owner, team_id, "private")
    archived = channel(owner, team_id)
    rooms.update(owner, archived.room_id, UpdateRoom(is_archived=True))
    (offered,) = teams.list_rooms(other, team_id, Page()).rooms
    assert (offered.room_id, offered.room_name, offered.member_count, offered.is_member) == (
        room.room_id, "모두", 1, False,
    )  # fmt: skip
    rooms.join(other, room.room_id)
    (offered,) = teams.list_rooms(other, team_id, Page()).rooms
    assert (offered.member_count, offered.is_member) == (2, True)


def test_leaving_a_team_leaves_its_channels_and_no_others() -> None:
    owner, other = people(2)
    team_id, elsewhere = team_of(owner, other), team_of(other)
    made = [channel(owner, team_id).room_id for _ in range(2)]
    for room_id in made:
        rooms.join(other, room_id)
    own = channel(other, team_id).room_id
    kept = channel(other, elsewhere).room_id
    teams.leave(other, team_id)
    assert [room.room_id for room in rooms.list_rooms(other, RoomsQuery()).parsed().rooms] == [kept]
    with refused(ErrorCode.team_not_found):
        teams.get(other, team_id)
    for room_id in (*made, own):
        with refused(ErrorCode.room_not_found):
            rooms.join(other, room_id)
    say(owner, made[0])


def test_who_owns_a_channel_with_others_hands_it_over_before_leaving_the_team() -> None:
    owner, other = people(2)
    team_id = team_of(owner, other)
    room, plain = channel(other, team_id), channel(owner, team_id)
    rooms.join(owner, room.room_id)
    rooms.join(other, plain.room_id)
    with refused(ErrorCode.owner_must_hand_over) as caught:
        teams.leave(other, team_id)
    assert caught.value.details == {"room_ids": [str(room.room_id)]}
    assert rooms.get(other, plain.room_id).role == "member", "nothing was left yet"
    heir = rooms.get(owner, room.room_id).member_id
    members.hand_over(other, room.room_id, HandOver(member_id=heir))
    teams.leave(other, team_id)


def test_a_teams_owner_leaves_only_as_the_last() -> None:
    owner, other = people(2)
    team_id = team_of(owner, other)
    with refused(ErrorCode.owner_must_hand_over):
        teams.leave(owner, team_id)
    teams.leave(other, team_id)
    teams.leave(owner, team_id)
    assert teams.list_teams(owner, Page()).teams == []


def test_nobody_stays_in_a_channel_who_left_the_team_while_joining(app: Flask) -> None:
    owner, other = people(2)
    team_id = team_of(owner, other)
    made = [channel(owner, team_id).room_id for _ in range(4)]
    joins = [partial(rooms.join, other, room_id) for room_id in made]
    at_once(app, [*joins, lambda: teams.leave(other, team_id)])
    present = [room.room_id for room in rooms.list_rooms(other, RoomsQuery()).parsed().rooms]
    in_team = [team.team_id for team in teams.list_teams(other, Page()).teams]
    assert in_team == [team_id] or present == []
