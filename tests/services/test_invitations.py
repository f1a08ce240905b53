from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from flask import Flask

from tests.services.room_scenes import (
    at_once,
    channel,
    channel_with,
    direct,
    member_id,
    people,
    person,
    refused,
    say,
    team_of,
)
from webapp.core import clock
from webapp.core.errors import AppError, ErrorCode
from webapp.domain import limits
from webapp.domain.permissions import Actor
from webapp.schemas.base import Page
from webapp.schemas.messages import EditMessage
from webapp.schemas.rooms import ChangesQuery, CreateInvitation, InvitationView, RevokeInvitation, RoomView, UpdateRoom
from webapp.services import invitations, members, messages, rooms, sync, teams

pytestmark = pytest.mark.usefixtures("context")


def private_channel(owner: Actor) -> RoomView:
    return channel(owner, team_of(owner), "private", name="운영진")


def code_of(owner: Actor, room_id: UUID, **fields: Any) -> InvitationView:
    return invitations.create(owner, room_id, CreateInvitation(**fields))


def pass_time(monkeypatch: pytest.MonkeyPatch, step: timedelta) -> None:
    monkeypatch.setattr(clock, "_clock", clock.ManualClock(clock.now() + step))


def contents(actor: Actor, room_id: UUID) -> list[str]:
    """What a member is given of everything that ever changed in a room."""
    changes = sync.changes(actor, room_id, ChangesQuery(after=0)).parsed().changes
    return [change.data.message.content for change in changes if hasattr(change.data, "message")]


def test_a_code_lets_into_one_channel_and_not_into_the_team() -> None:
    owner, guest = people(2)
    room = private_channel(owner)
    joined = invitations.accept(guest, code_of(owner, room.room_id).code)
    assert (joined.room_id, joined.role, joined.unread_count) == (room.room_id, "member", 0)
    assert joined.team_id is not None
    with refused(ErrorCode.team_not_found):
        teams.get(guest, joined.team_id)


def test_a_code_is_read_in_any_case() -> None:
    owner, guest = people(2)
    invitation = code_of(owner, private_channel(owner).room_id)
    assert invitations.accept(guest, f" {invitation.code.lower()} ").room_id == invitation.room_id


def test_history_of_a_private_channel_begins_with_ones_coming_and_again_with_ones_return() -> None:
    owner, guest = people(2)
    room_id = private_channel(owner).room_id
    before = say(owner, room_id, "오기 전")
    joined = invitations.accept(guest, code_of(owner, room_id).code)
    assert joined.visible_from_seq == before.seq + 1
    say(owner, room_id, "있는 동안")
    messages.edit(owner, room_id, before.message_id, EditMessage(content="오기 전 (고침)"))
    assert [text for text in contents(guest, room_id) if "전" in text or "동안" in text] == ["있는 동안"]
    rooms.leave(guest, room_id)
    say(owner, room_id, "없는 동안")
    back = invitations.accept(guest, code_of(owner, room_id).code)
    assert back.member_id == joined.member_id
    assert back.visible_from_seq > joined.visible_from_seq
    assert not [text for text in contents(guest, room_id) if "전" in text or "동안" in text]
    assert back.last_message is not None
    assert back.last_message.system is not None


def test_simultaneous_guests_never_exceed_the_uses(app: Flask) -> None:
    owner, *guests = people(7)
    room_id = private_channel(owner).room_id
    code = code_of(owner, room_id, max_uses=2).code
    answers = at_once(app, [partial(invitations.accept, guest, code) for guest in guests])
    refusals = [answer.code for answer in answers if isinstance(answer, AppError)]
    assert refusals == [ErrorCode.invitation_spent] * 4
    assert len([m for m in members.list_members(owner, room_id, Page()).members if m.is_active]) == 3


def test_for_a_present_member_a_code_is_not_used_even_at_once(app: Flask) -> None:
    owner, guest, late = people(3)
    room_id = private_channel(owner).room_id
    code = code_of(owner, room_id, max_uses=2).code
    at_once(app, [lambda: invitations.accept(guest, code)] * 4)
    assert invitations.accept(guest, code).member_id == member_id(guest, room_id)
    assert invitations.accept(late, code).room_id == room_id
    assert invitations.accept(guest, code).room_id == room_id, "also when it is spent"


def test_a_code_ends_with_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    owner, guest = people(2)
    code = code_of(owner, private_channel(owner).room_id, expires_hours=1).code
    pass_time(monkeypatch, timedelta(hours=1, seconds=1))
    for call in (invitations.preview, invitations.accept):
        with refused(ErrorCode.invitation_spent):
            call(guest, code)


def test_a_revoked_code_is_an_unknown_one() -> None:
    owner, guest = people(2)
    room_id = private_channel(owner).room_id
    code = code_of(owner, room_id).code
    invitations.revoke(owner, room_id, RevokeInvitation(code=code))
    for known in (code, "NEVERMADE2", "no\x00code", "코드"):
        with refused(ErrorCode.invitation_not_found):
            invitations.preview(guest, known)
        with refused(ErrorCode.invitation_not_found):
            invitations.accept(guest, known)
    with refused(ErrorCode.invitation_not_found):
        invitations.revoke(owner, room_id, RevokeInvitation(code=code))


def test_only_the_owner_of_its_room_makes_and_revokes_a_code() -> None:
    owner, other = people(2)
    room = channel_with(owner, other)
    code = code_of(owner, room.room_id).code
    with refused(ErrorCode.permission_denied):
        code_of(other, room.room_id)
    with refused(ErrorCode.permission_denied):
        invitations.revoke(other, room.room_id, RevokeInvitation(code=code))
    with refused(ErrorCode.invitation_not_found):
        invitations.revoke(other, channel_with(other).room_id, RevokeInvitation(code=code))
    with refused(ErrorCode.permission_denied):
        code_of(owner, direct(owner, other).room_id)


def test_a_room_has_a_bounded_number_of_live_codes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "INVITATIONS_PER_ROOM", 2)
    owner, guest = people(2)
    room_id = private_channel(owner).room_id
    first, second = code_of(owner, room_id), code_of(owner, room_id)
    with refused(ErrorCode.limit_reached):
        code_of(owner, room_id)
    invitations.accept(guest, first.code)
    code_of(owner, room_id)
    invitations.revoke(owner, room_id, RevokeInvitation(code=second.code))
    code_of(owner, room_id)


def test_a_preview_tells_what_a_code_opens() -> None:
    owner, guest = people(2)
    invitation = code_of(owner, private_channel(owner).room_id)
    seen = invitations.preview(guest, invitation.code)
    assert (seen.room_name, seen.team_name, seen.expires_at) == ("운영진", "알고리즘 스터디", invitation.expires_at)


def test_nobody_comes_into_an_archived_or_closed_channel() -> None:
    owner, guest = people(2)
    room_id = private_channel(owner).room_id
    code = code_of(owner, room_id).code
    rooms.update(owner, room_id, UpdateRoom(is_archived=True))
    with refused(ErrorCode.room_archived):
        invitations.accept(guest, code)
    rooms.leave(owner, room_id)
    with refused(ErrorCode.invitation_not_found):
        invitations.accept(person(), code)
