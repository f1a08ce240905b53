"""Whose a line is and where it belongs: rooms, authors and memberships that an import finds or makes."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import TypeVar
from uuid import UUID, uuid5

from webapp.core.ids import time_ordered_id
from webapp.domain import accounts, limits
from webapp.events.types import MemberJoined
from webapp.models.member import Member
from webapp.models.room import Room
from webapp.models.team import Team
from webapp.repositories import imports, members, rooms, team_members, teams, users
from webapp.repositories.users import TakenError
from webapp.services import membership, named_rooms, room_log
from webapp.services.named_rooms import IMPORT_TEAM
from webapp.services.operator_errors import OperatorError
from webapp.services.unit_of_work import UnitOfWork, reading, unit_of_work

TEAM_NAME = "가져온 대화 · Imported"
REMEMBERED = 20_000
_AUTHORS = UUID("5b0a0c1c-6f0e-5b58-9a5e-8e4f0b9d2a31")

Key = TypeVar("Key", bound=Hashable)
Found = TypeVar("Found")


class Remembered(dict[Key, Found | OperatorError]):
    """Answers and refusals that are given again without asking; a bounded number of them."""

    def get_or_ask(self, key: Key, ask: Callable[[], Found]) -> Found:
        """The answer that was given for this key, or is now."""
        if key not in self:
            if len(self) >= REMEMBERED:
                self.clear()
            try:
                self[key] = ask()
            except OperatorError as error:
                self[key] = error
        answer = self[key]
        if isinstance(answer, OperatorError):
            raise answer
        return answer


class Places:
    """The rooms, authors and memberships that one import meets; `creates` makes those that are missing."""

    def __init__(self, *, creates: bool) -> None:
        self._creates = creates
        self._rooms: Remembered[str, UUID] = Remembered()
        self._authors: Remembered[str, str] = Remembered()
        self._members: Remembered[tuple[UUID, str], UUID] = Remembered()

    def room(self, reference: str) -> UUID:
        """The room of this id or name."""
        return self._rooms.get_or_ask(reference, lambda: self._find_room(reference))

    def author(self, reference: str) -> str:
        """The account of this username or id."""
        return self._authors.get_or_ask(reference, lambda: self._find_author(reference))

    def member(self, room_id: UUID, user_id: str) -> UUID:
        """The author's place in the room, also of one who left it."""
        return self._members.get_or_ask((room_id, user_id), lambda: self._find_member(room_id, user_id))

    def _find_room(self, reference: str) -> UUID:
        room_id = named_rooms.find(reference)
        if room_id is not None:
            return room_id
        if not self._creates or len(reference) > limits.ROOM_NAME_LENGTH:
            raise named_rooms.unknown(reference)
        return _open_channel(reference)

    def _find_author(self, reference: str) -> str:
        own_id = str(uuid5(_AUTHORS, reference))
        with reading():
            account = users.find_by_username(reference.lower()) or users.find(reference) or users.find(own_id)
        if account is not None and account.erased_at is None:
            return account.user_id
        if account is not None or not self._creates:
            raise OperatorError(f"사용자를 찾을 수 없습니다: {reference}", f"there is no user {reference}")
        return _make_author(own_id, reference)

    def _find_member(self, room_id: UUID, user_id: str) -> UUID:
        with reading():
            member, room = members.find_of_user(room_id, user_id), rooms.find(room_id)
            if member is not None:
                return member.member_id
        if room is None or room.team_id is None or not self._creates:
            raise OperatorError("작성자가 채팅방의 참여자가 아닙니다", "the author is not a member of the room")
        return _let_in(room_id, room.team_id, user_id)


def _open_channel(room_name: str) -> UUID:
    with unit_of_work() as uow:
        imports.take_turns("import")
        if teams.find(IMPORT_TEAM) is None:
            teams.add(Team(team_id=IMPORT_TEAM, team_name=TEAM_NAME, description="", created_at=uow.now))
        found = imports.find_named(room_name, rather_of=IMPORT_TEAM)
        if found:
            return found[0][0]
        if rooms.count_of_team(IMPORT_TEAM) >= limits.ROOMS_PER_TEAM:
            raise _too_many(limits.ROOMS_PER_TEAM)
        room_id = time_ordered_id()
        rooms.add(
            Room(
                room_id=room_id,
                room_type="team",
                team_id=IMPORT_TEAM,
                room_name=room_name,
                visibility="private",
                created_at=uow.now,
                updated_at=uow.now,
            )
        )
        return room_id


def _make_author(user_id: str, name: str) -> str:
    username = name.lower()
    try:
        with unit_of_work():
            users.add(
                user_id,
                username=username if accounts.USERNAME.fullmatch(username) else None,
                display_name=accounts.host_display_name(name, user_id),
            )
    except TakenError:
        raise OperatorError(f"방금 다른 계정이 쓴 이름입니다: {name}", f"another account just took {name}") from None
    return user_id


def _let_in(room_id: UUID, team_id: UUID, user_id: str) -> UUID:
    """An author comes in without a word in the room; who comes first owns what the import made."""
    with unit_of_work() as uow:
        membership.raise_rooms_rev(uow, user_id)
        membership.refuse_more_rooms(user_id)
        if team_members.count(team_id) == 0:
            team_members.add_owner(team_id, user_id, uow.now)
        else:
            team_members.add_all(team_id, [user_id], uow.now)
        room = uow.lock_room(room_id)
        member = members.find_of_user(room_id, user_id)
        return (member or _new_member(uow, room, user_id)).member_id


def _new_member(uow: UnitOfWork, room: Room, user_id: str) -> Member:
    present = members.count_active(room.room_id)
    if present >= limits.ROOM_MEMBERS:
        raise _too_many(limits.ROOM_MEMBERS)
    member = membership.new_member(uow, room, user_id, role="owner" if present == 0 else "member")
    if room.team_id == IMPORT_TEAM:
        # They took part in the conversation, whenever their first line comes.
        member.visible_from_seq = 0
    members.add(member)
    room_log.member_changed(uow, room, member, MemberJoined)
    return member


def _too_many(limit: int) -> OperatorError:
    return OperatorError(f"허용된 개수({limit})를 넘었습니다", f"the limit of {limit} is reached")
