from __future__ import annotations

from uuid import UUID

import pytest
from sqlalchemy import text

from tests.factories import make_matching_room, make_team_room, make_user
from tests.services.room_scenes import channel_with, member_id, people, refused, say
from webapp.core.errors import ErrorCode
from webapp.core.extensions import db
from webapp.domain.permissions import Actor
from webapp.schemas.base import Page
from webapp.schemas.messages import MessageView, SendMessage
from webapp.schemas.rooms import MemberView
from webapp.services import blocks, history, members, messages, rooms

pytestmark = pytest.mark.usefixtures("context")


def reply(actor: Actor, root: MessageView, content: str) -> MessageView:
    return messages.send(actor, root.room_id, SendMessage(content=content, thread_id=root.message_id)).message


def test_members_are_mentioned_by_the_names_of_the_room() -> None:
    owner = make_user(display_name="지영")
    minsu = make_user("minsu", display_name="민수")
    room_id = make_team_room(owner, minsu)
    theirs = member_id(minsu.actor, room_id)

    for content in ("@민수가 말했다", "@minsu 봐", "@Minsu님"):
        assert say(owner.actor, room_id, content).mentions == [theirs]
    for content in ("@아무개 봐", "민수", "@minsu2"):
        assert say(owner.actor, room_id, content).mentions == []


def test_a_name_that_two_share_mentions_nobody() -> None:
    owner = make_user()
    room_id = make_team_room(owner, make_user(display_name="김민수"), make_user(display_name="김민수"))
    assert say(owner.actor, room_id, "@김민수 안녕").mentions == []


def test_in_a_blind_room_only_labels_are_names() -> None:
    one, other = make_user(display_name="비밀이름"), make_user(display_name="숨은이름")
    room_id = make_matching_room([one, make_user()], [other, make_user()])
    view = rooms.get(other.actor, room_id)
    label = next(m.anonymous_name for m in members_of(one.actor, room_id) if m.member_id == view.member_id)

    assert say(one.actor, room_id, f"@{label} 안녕").mentions == [view.member_id]
    assert say(one.actor, room_id, "@숨은이름 안녕").mentions == []
    assert say(one.actor, room_id, f"@{other.username} 안녕").mentions == []


def members_of(actor: Actor, room_id: UUID) -> list[MemberView]:
    return members.list_members(actor, room_id, Page()).members


def test_only_the_owner_mentions_everyone() -> None:
    owner, minsu = people(2)
    room_id = channel_with(owner, minsu).room_id
    assert say(owner, room_id, "@전체 공지입니다").mentions_all
    assert not say(minsu, room_id, "@all hello").mentions_all


# The list of one's mentions


def mentions(actor: Actor, limit: int = 50) -> list[str]:
    found: list[str] = []
    cursor: str | None = None
    while True:
        page = history.my_mentions(actor, Page(limit=limit, cursor=cursor))
        found += [m.content for m in page.messages]
        cursor = page.next_cursor
        if cursor is None:
            return found


def test_ones_mentions_in_all_rooms_newest_first() -> None:
    owner, minsu = make_user(), make_user(display_name="민수")
    one, two = make_team_room(owner, minsu), make_team_room(owner, minsu)
    say(owner.actor, one, "@민수 하나")
    say(owner.actor, two, "@전체 둘")
    say(minsu.actor, one, "@민수 혼잣말")
    say(owner.actor, one, "아무도")
    root = say(owner.actor, two, "뿌리")
    reply(owner.actor, root, "@민수 셋")
    gone = say(owner.actor, one, "@민수 지움")
    messages.delete(owner.actor, one, gone.message_id)

    for limit in (1, 2, 50):
        assert mentions(minsu.actor, limit) == ["@민수 셋", "@전체 둘", "@민수 하나"]
    assert mentions(owner.actor) == []
    rooms.leave(minsu.actor, two)
    assert mentions(minsu.actor) == ["@민수 하나"]


def test_a_blocked_label_mentions_nobody() -> None:
    one, other = make_user(), make_user()
    room_id = make_matching_room([one, make_user()], [other, make_user()])
    mine = rooms.get(one.actor, room_id).member_id
    label = db.session.execute(text("SELECT anonymous_name FROM chat_members WHERE member_id = :id"), {"id": mine})
    say(other.actor, room_id, f"@{label.scalar_one()} 안녕")
    assert len(mentions(one.actor)) == 1
    blocks.block_member(one.actor, room_id, member_id(other.actor, room_id))
    assert mentions(one.actor) == []


def test_a_foreign_cursor_is_refused() -> None:
    (minsu,) = people(1)
    with refused(ErrorCode.validation_failed):
        history.my_mentions(minsu, Page(cursor="bm90LW91cnM"))
