from __future__ import annotations

from typing import Any
from urllib.parse import quote
from uuid import UUID, uuid1, uuid4

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.factories import TestUser, make_matching_room, make_team_room, make_user, say

pytestmark = pytest.mark.usefixtures("context")
ROOMS = "/api/v1/chats/rooms"
MESSAGE_FIELDS = {
    "message_id", "room_id", "seq", "changed_seq", "member_id", "content", "message_type", "attachments", "reactions",
    "mentions", "thread_id", "reply_to_id", "reply_count", "is_edited", "is_deleted", "is_pinned", "client_message_id",
    "created_at", "updated_at",
}  # fmt: skip


def call(client: FlaskClient, user: TestUser, method: str, path: str, body: Any = None) -> TestResponse:
    return client.open(path, method=method, headers=user.headers, json=body)


def messages_of(room_id: UUID) -> str:
    return f"{ROOMS}/{room_id}/messages"


def answered(answer: TestResponse, status: int) -> Any:
    assert answer.status_code == status, answer.text
    assert answer.content_length == len(answer.get_data())
    return answer.json


def refused(answer: TestResponse, status: int, code: str) -> None:
    assert (answer.status_code, answered(answer, status)["error"]["code"]) == (status, code)


def test_send_repeat_conflict(client: FlaskClient) -> None:
    minsu = make_user()
    where = messages_of(make_team_room(minsu))
    body = {"content": "안녕하세요", "client_message_id": str(uuid4())}

    sent = answered(call(client, minsu, "POST", where, body), 201)["message"]
    again = answered(call(client, minsu, "POST", where, body | {"message_type": "text"}), 200)["message"]

    assert again == sent
    assert sent.keys() >= MESSAGE_FIELDS
    assert sent["created_at"].endswith("Z")
    refused(call(client, minsu, "POST", where, body | {"content": "다른 말"}), 409, "duplicate_conflict")


@pytest.mark.parametrize(
    "body",
    [
        {}, {"content": ""}, {"content": "가" * 5_001}, {"content": "a\x00b"}, {"content": "\x1b[31m"}, {"content": 7},
        {"content": "가", "message_type": "system"}, {"content": "가", "message_type": "image"},
        {"content": "가", "client_message_id": "abc"}, {"content": "가", "client_message_id": str(uuid1())},
        {"content": "가", "sender_id": "someone"}, {"content": "가", "thread_id": 3}, [], "안녕", None,
    ],
)  # fmt: skip
def test_a_send_with_nonsense_is_refused(client: FlaskClient, body: Any) -> None:
    minsu = make_user()
    refused(call(client, minsu, "POST", messages_of(make_team_room(minsu)), body), 422, "validation_failed")


def test_content_is_counted_after_normalisation(client: FlaskClient) -> None:
    minsu = make_user()
    decomposed = "\u1100\u1161" * 5_000
    answer = call(client, minsu, "POST", messages_of(make_team_room(minsu)), {"content": decomposed})
    assert answered(answer, 201)["message"]["content"] == "가" * 5_000


def test_history_pages(client: FlaskClient) -> None:
    minsu = make_user()
    room_id = make_team_room(minsu)
    said = [say(minsu, room_id, f"{n}") for n in range(5)]
    where = messages_of(room_id)

    newest = answered(call(client, minsu, "GET", f"{where}?limit=2"), 200)
    assert [m["content"] for m in newest["messages"]] == ["3", "4"]
    assert newest.keys() == {"messages", "has_more_before", "has_more_after", "head_seq", "epoch"}
    assert (newest["has_more_before"], newest["has_more_after"], newest["head_seq"]) == (True, False, said[-1].seq)
    older = answered(call(client, minsu, "GET", f"{where}?limit=2&before_seq={said[3].seq}"), 200)
    assert [m["content"] for m in older["messages"]] == ["1", "2"]
    later = answered(call(client, minsu, "GET", f"{where}?after_seq={said[2].seq}"), 200)
    assert [m["content"] for m in later["messages"]] == ["3", "4"]
    there = answered(call(client, minsu, "GET", f"{where}?limit=1&around_seq={said[2].seq}"), 200)
    assert [m["content"] for m in there["messages"]] == ["2"]
    assert answered(call(client, minsu, "GET", f"{where}?around=first_unread"), 200)["messages"]


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=101", "limit=x", "before_seq=-1", "before_seq=1&after_seq=1", "around=never", "a=1",
              f"around_seq={2**63}"]
)  # fmt: skip
def test_a_page_with_nonsense_is_refused(client: FlaskClient, query: str) -> None:
    minsu = make_user()
    refused(call(client, minsu, "GET", f"{messages_of(make_team_room(minsu))}?{query}"), 422, "validation_failed")


def test_get_edit_delete(client: FlaskClient) -> None:
    minsu, jiyoung = make_user(), make_user()
    room_id = make_team_room(minsu, jiyoung)
    where = f"{messages_of(room_id)}/{say(minsu, room_id, '오타').message_id}"

    assert answered(call(client, jiyoung, "GET", where), 200)["message"]["content"] == "오타"
    refused(call(client, jiyoung, "PATCH", where, {"content": "남의 말"}), 403, "permission_denied")
    assert answered(call(client, minsu, "PATCH", where, {"content": "고침"}), 200)["message"]["is_edited"]
    refused(call(client, jiyoung, "DELETE", where), 403, "permission_denied")
    gone = answered(call(client, minsu, "DELETE", where), 200)["message"]
    assert (gone["content"], gone["is_deleted"]) == ("", True)
    refused(call(client, minsu, "PATCH", where, {"content": "다시"}), 409, "message_deleted")
    refused(call(client, minsu, "GET", f"{messages_of(room_id)}/{uuid4()}"), 404, "message_not_found")


def test_a_foreign_room_and_none_answer_the_same(client: FlaskClient) -> None:
    minsu, stranger = make_user(), make_user()
    room_id = make_team_room(minsu)
    message_id = say(minsu, room_id).message_id
    for room in (room_id, uuid4()):
        message = f"{ROOMS}/{room}/messages/{message_id}"
        calls: list[tuple[str, str, Any]] = [
            ("GET", f"{ROOMS}/{room}/messages", None),
            ("POST", f"{ROOMS}/{room}/messages", {"content": "?"}),
            ("GET", message, None),
            ("PATCH", message, {"content": "?"}),
            ("DELETE", message, None),
            ("GET", f"{message}/thread", None),
            ("PUT", f"{message}/pin", None),
            ("DELETE", f"{message}/pin", None),
            ("GET", f"{ROOMS}/{room}/pins", None),
            ("PUT", f"{message}/reactions/{quote('👍')}", None),
            ("DELETE", f"{message}/reactions/{quote('👍')}", None),
            ("GET", f"{message}/reactions", None),
            ("POST", f"{message}/forward", {"room_id": str(room)}),
            ("POST", f"{ROOMS}/{room}/polls", {"question": "?", "options": ["1", "2"]}),
            ("PUT", f"{ROOMS}/{room}/polls/{message_id}/votes", {"option_ids": []}),
            ("GET", f"{ROOMS}/{room}/draft", None),
            ("PUT", f"{ROOMS}/{room}/draft", {"content": "?"}),
        ]
        for method, path, body in calls:
            refused(call(client, stranger, method, path, body), 404, "room_not_found")


@pytest.mark.parametrize("emoji", ["👍", "❤️", "👨‍👩‍👧‍👦", "#️⃣", "1️⃣", "🏴󠁧󠁢󠁥󠁮󠁧󠁿"])
def test_any_emoji_travels_in_the_path(client: FlaskClient, emoji: str) -> None:
    minsu = make_user()
    room_id = make_team_room(minsu)
    where = f"{messages_of(room_id)}/{say(minsu, room_id).message_id}/reactions"

    added = answered(call(client, minsu, "PUT", f"{where}/{quote(emoji)}"), 200)["message"]
    assert {key: view["count"] for key, view in added["reactions"].items()} == {emoji: 1}
    listed = answered(call(client, minsu, "GET", f"{where}?emoji={quote(emoji)}"), 200)
    assert [(row["emoji"], row["member_id"]) for row in listed["reactions"]] == [(emoji, added["member_id"])]
    removed = answered(call(client, minsu, "DELETE", f"{where}/{quote(emoji)}"), 200)["message"]
    assert removed["reactions"] == {}


@pytest.mark.parametrize("text", ["abc", "%F0%9F%91%8Da", "%FF%FE", "a%00", "%20", "..%2F..", "1"])
def test_a_path_without_an_emoji_is_refused(client: FlaskClient, text: str) -> None:
    minsu = make_user()
    room_id = make_team_room(minsu)
    where = f"{messages_of(room_id)}/{say(minsu, room_id).message_id}/reactions/{text}"
    refused(call(client, minsu, "PUT", where), 422, "validation_failed")


def test_thread_pins_and_mentions(client: FlaskClient) -> None:
    minsu, jiyoung = make_user(), make_user(display_name="지영")
    room_id = make_team_room(minsu, jiyoung)
    root = say(minsu, room_id, "@지영 봐 주세요")
    where = f"{messages_of(room_id)}/{root.message_id}"

    body = {"content": "네", "thread_id": str(root.message_id)}
    answered(call(client, jiyoung, "POST", messages_of(room_id), body), 201)
    thread = answered(call(client, minsu, "GET", f"{where}/thread"), 200)
    assert [m["content"] for m in thread["messages"]] == ["네"]

    assert answered(call(client, jiyoung, "PUT", f"{where}/pin"), 200)["message"]["is_pinned"]
    pins = answered(call(client, minsu, "GET", f"{ROOMS}/{room_id}/pins"), 200)
    assert [m["message_id"] for m in pins["messages"]] == [str(root.message_id)]
    assert not answered(call(client, minsu, "DELETE", f"{where}/pin"), 200)["message"]["is_pinned"]

    mine = answered(call(client, jiyoung, "GET", "/api/v1/me/mentions"), 200)
    assert [m["message_id"] for m in mine["messages"]] == [str(root.message_id)]
    refused(call(client, jiyoung, "GET", "/api/v1/me/mentions?cursor=x"), 422, "validation_failed")


def test_polls(client: FlaskClient) -> None:
    minsu = make_user()
    room_id = make_team_room(minsu)
    body = {"question": "언제?", "options": ["금", "토"], "client_message_id": str(uuid4()),
            "closes_at": "2999-01-01T00:00:00Z"}  # fmt: skip
    refused(call(client, minsu, "POST", f"{ROOMS}/{room_id}/polls", body), 422, "validation_failed")
    del body["closes_at"]

    made = answered(call(client, minsu, "POST", f"{ROOMS}/{room_id}/polls", body), 201)["message"]
    assert answered(call(client, minsu, "POST", f"{ROOMS}/{room_id}/polls", body), 200)["message"] == made
    votes = f"{ROOMS}/{room_id}/polls/{made['message_id']}/votes"
    voted = answered(call(client, minsu, "PUT", votes, {"option_ids": [2]}), 200)["message"]["poll"]
    assert ([o["count"] for o in voted["options"]], voted["voter_count"]) == ([0, 1], 1)
    refused(call(client, minsu, "PUT", votes, {"option_ids": [1, 2]}), 422, "validation_failed")
    refused(call(client, minsu, "PUT", votes, {"option_ids": ["2"]}), 422, "validation_failed")
    refused(call(client, minsu, "PUT", votes, {"option_ids": [2**53]}), 422, "validation_failed")


def test_drafts(client: FlaskClient) -> None:
    minsu = make_user()
    where = f"{ROOMS}/{make_team_room(minsu)}/draft"
    assert answered(call(client, minsu, "GET", where), 200) == {"content": "", "updated_at": None}
    saved = answered(call(client, minsu, "PUT", where, {"content": "쓰던 글"}), 200)
    assert answered(call(client, minsu, "GET", where), 200) == saved
    assert answered(call(client, minsu, "PUT", where, {"content": ""}), 200)["content"] == ""
    refused(call(client, minsu, "PUT", where, {"content": "가" * 5_001}), 422, "validation_failed")


def test_forwarding(client: FlaskClient) -> None:
    one, other = make_user(), make_user()
    open_room, target = make_team_room(one), make_team_room(one)
    blind = make_matching_room([one, make_user()], [other, make_user()])
    from_open = f"{messages_of(open_room)}/{say(one, open_room, '알림').message_id}/forward"
    from_blind = f"{messages_of(blind)}/{say(other, blind, '비밀').message_id}/forward"
    body = {"room_id": str(target), "client_message_id": str(uuid4())}

    assert answered(call(client, one, "POST", from_open, body), 201)["message"]["content"] == "알림"
    answered(call(client, one, "POST", from_open, body), 200)
    refused(call(client, one, "POST", from_blind, body), 403, "permission_denied")
