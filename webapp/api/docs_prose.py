"""What the documentation says in words, in Korean and in English."""

from __future__ import annotations

from typing import Literal

Language = Literal["ko", "en"]

INTRODUCTION: dict[Language, tuple[str, ...]] = {
    "ko": (
        "FocusMate 메시징: 실시간 채팅, 안 읽은 메시지 수, 스레드, 반응, 투표, 초대, 블라인드 채팅방.",
        "`POST /auth/login`이 돌려주는 `access_token`을 `Authorization: Bearer` 헤더로 보냅니다. "
        "만료되면 `POST /auth/refresh`로 새로 받습니다.",
        '거절은 모두 `{"error": {code, message, details, request_id}}`이고, `code`는 정해진 목록에 있으며, '
        "`message`는 `Accept-Language`를 따릅니다.",
        "볼 수 없는 것과 없는 것은 똑같이 404입니다.",
        "429와 503은 `Retry-After`(초)와 `retry_after_ms`로 기다릴 시간을 알려 줍니다.",
        "목록은 `next_cursor`를 `cursor`로 다시 보내 이어서 받습니다. 시각은 RFC 3339 UTC입니다.",
        "실시간 이벤트와 소켓 명령은 `/events.json`에 있습니다.",
    ),
    "en": (
        "FocusMate messaging: live chat, unread counts, threads, reactions, polls, invitations, blind rooms.",
        "Send the `access_token` of `POST /auth/login` as `Authorization: Bearer`. "
        "When it expires, `POST /auth/refresh` gives another.",
        'Every refusal is `{"error": {code, message, details, request_id}}` with a `code` of a fixed list; '
        "its `message` follows `Accept-Language`.",
        "What you may not see and what isn't there answer the same 404.",
        "429 and 503 tell how long to wait: `Retry-After` in seconds, and `retry_after_ms`.",
        "A list goes on when its `next_cursor` is sent as `cursor`. Times are RFC 3339 in UTC.",
        "Live events and the commands of the socket are described at `/events.json`.",
    ),
}

SOCKET: dict[Language, tuple[str, ...]] = {
    "ko": (
        "`/api/v1/chats/ws?ticket=…`에 연결합니다. 티켓은 `POST /chats/ws-ticket`이 주고 한 번만 쓸 수 있습니다. "
        "`?token=<access token>`으로도 연결됩니다.",
        "프레임은 텍스트이고 JSON 객체 하나입니다. 서버는 먼저 `hello`를, 이어서 이벤트를 보냅니다.",
        '명령에는 클라이언트가 정한 `id`가 있고, 같은 `id`의 답이 옵니다: `{"id", "ok": true, "data"}` 또는 '
        '`{"id", "ok": false, "error"}`. 답과 이벤트의 순서는 정해져 있지 않습니다.',
        "채팅방의 모든 변경에는 번호 `seq`와, 그 앞 번호 `after`가 있습니다. "
        "`after <= last < seq`이면 적용하고 `last = seq`로, `seq <= last`이면 무시하고, "
        "`after > last`이면 빠진 것이 있으니 잡아 두고 `sync`로 묻습니다.",
        "`seq`가 없는 신호는 오는 대로 적용합니다.",
    ),
    "en": (
        "Connect to `/api/v1/chats/ws?ticket=…` with a ticket of `POST /chats/ws-ticket`, which is good for one use, "
        "or with `?token=<access token>`.",
        "Frames are text, one JSON object each. The server first says `hello`, then sends events.",
        'A command has an `id` of the client\'s choice and is answered with the same: `{"id", "ok": true, "data"}` or '
        '`{"id", "ok": false, "error"}`. Answers and events may come in either order.',
        "Every change of a room has a number, `seq`, and tells the one before it, `after`. "
        "Apply it when `after <= last < seq`, then `last = seq`; ignore it when `seq <= last`; "
        "when `after > last` something is missing: hold it and ask with `sync`.",
        "Signals, which have no `seq`, are applied as they come.",
    ),
}

TAGS: dict[str, dict[Language, str]] = {
    "accounts": {"ko": "계정과 로그인", "en": "Accounts and signing in"},
    "blocks": {"ko": "차단", "en": "Blocking people, and labels of blind rooms"},
    "teams": {"ko": "팀", "en": "Teams and their people"},
    "rooms": {"ko": "채팅방", "en": "Rooms: direct, channels, matching"},
    "members": {"ko": "참여자", "en": "Members of a room"},
    "invitations": {"ko": "초대", "en": "Invitations to channels"},
    "messages": {"ko": "메시지", "en": "Messages, pins and mentions"},
    "threads": {"ko": "스레드", "en": "Replies to a message"},
    "reactions": {"ko": "반응", "en": "Emoji on a message"},
    "polls": {"ko": "투표", "en": "Polls"},
    "drafts": {"ko": "임시 저장", "en": "What was typed and not sent"},
    "read state": {"ko": "읽음 표시", "en": "Read marks and unread counts"},
    "sync": {"ko": "동기화", "en": "Catching up, socket tickets, limits"},
    "docs": {"ko": "문서", "en": "This documentation"},
}

LABELS: dict[Language, dict[str, str]] = {
    "ko": {
        "title": "FocusMate 메시징 API",
        "skip": "본문으로 건너뛰기",
        "contents": "차례",
        "signed_in": "로그인이 필요합니다",
        "open": "로그인 없이 부를 수 있습니다",
        "parameters": "매개변수",
        "body": "요청 본문",
        "answers": "응답",
        "example": "예",
        "errors": "오류 코드",
        "socket": "소켓",
        "events": "이벤트",
        "commands": "명령",
        "close_codes": "닫힘 코드",
        "schemas": "스키마",
        "name": "이름",
        "type": "형식",
        "required": "필수",
        "meaning": "뜻",
        "code": "코드",
        "status": "상태",
        "command": "명령",
        "answer": "답",
        "reconnect": "다시 연결",
    },
    "en": {
        "title": "FocusMate messaging API",
        "skip": "Skip to the content",
        "contents": "Contents",
        "signed_in": "For those who are signed in",
        "open": "Needs no sign-in",
        "parameters": "Parameters",
        "body": "Request body",
        "answers": "Answers",
        "example": "Example",
        "errors": "Error codes",
        "socket": "Socket",
        "events": "Events",
        "commands": "Commands",
        "close_codes": "Close codes",
        "schemas": "Schemas",
        "name": "Name",
        "type": "Type",
        "required": "Required",
        "meaning": "Meaning",
        "code": "Code",
        "status": "Status",
        "command": "Command",
        "answer": "Answer",
        "reconnect": "Connect again",
    },
}


def markdown(paragraphs: dict[Language, tuple[str, ...]]) -> str:
    """Both languages, Korean first, as the lists that a description may hold."""
    return "\n\n".join("\n".join(f"- {line}" for line in lines) for lines in paragraphs.values())
