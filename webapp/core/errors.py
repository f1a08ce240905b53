"""The one enum of error codes, the one exception, and the one renderer of both for HTTP and sockets."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any


class ErrorCode(Enum):
    """Every refusal a client can meet: wire code = name in lower case; value = (HTTP status, Korean, English)."""

    malformed_json = (400, "JSON 형식이 올바르지 않습니다.", "The body is not valid JSON.")
    bad_command = (400, "알 수 없는 명령입니다.", "The command is unknown or malformed.")
    unauthenticated = (401, "로그인이 필요합니다.", "Sign in first.")
    token_invalid = (401, "토큰이 올바르지 않습니다.", "The token is not valid.")
    token_expired = (401, "토큰이 만료되었습니다.", "The token has expired.")
    token_reused = (401, "이미 사용된 토큰입니다. 다시 로그인해 주세요.", "The token was used before; sign in again.")
    bad_credentials = (401, "아이디 또는 비밀번호가 올바르지 않습니다.", "Username or password is wrong.")
    permission_denied = (403, "권한이 없습니다.", "You may not do this.")
    account_suspended = (403, "이용이 정지된 계정입니다.", "The account is suspended.")
    room_frozen = (403, "읽기 전용으로 바뀐 채팅방입니다.", "The room is read-only.")
    room_archived = (403, "보관된 채팅방입니다.", "The room is archived.")
    member_silenced = (403, "메시지 전송이 제한되었습니다.", "You are silenced here.")
    not_accepting_messages = (403, "상대방이 메시지를 받지 않습니다.", "This person does not accept messages.")
    edit_window_passed = (403, "수정할 수 있는 시간이 지났습니다.", "The time to edit has passed.")
    not_found = (404, "찾을 수 없습니다.", "Not found.")
    room_not_found = (404, "채팅방을 찾을 수 없습니다.", "Room not found.")
    message_not_found = (404, "메시지를 찾을 수 없습니다.", "Message not found.")
    member_not_found = (404, "참여자를 찾을 수 없습니다.", "Member not found.")
    user_not_found = (404, "사용자를 찾을 수 없습니다.", "User not found.")
    team_not_found = (404, "팀을 찾을 수 없습니다.", "Team not found.")
    invitation_not_found = (404, "초대를 찾을 수 없습니다.", "Invitation not found.")
    session_not_found = (404, "세션을 찾을 수 없습니다.", "Session not found.")
    method_not_allowed = (405, "허용되지 않는 메서드입니다.", "The method is not allowed here.")
    username_taken = (409, "이미 사용 중인 아이디입니다.", "The username is taken.")
    duplicate_conflict = (
        409,
        "같은 ID로 다른 메시지를 보낼 수 없습니다.",
        "Another message has this client_message_id.",
    )
    message_deleted = (409, "삭제된 메시지입니다.", "The message is deleted.")
    already_member = (409, "이미 참여 중입니다.", "Already a member.")
    owner_must_hand_over = (409, "먼저 방장을 넘겨 주세요.", "Hand over ownership first.")
    invitation_spent = (409, "만료되었거나 사용이 끝난 초대입니다.", "The invitation has expired or is used up.")
    limit_reached = (409, "허용된 개수를 넘었습니다.", "The limit is reached.")
    poll_closed = (409, "마감된 투표입니다.", "The poll is closed.")
    state_conflict = (409, "지금은 할 수 없습니다.", "This can't be done in the present state.")
    too_large = (413, "요청이 너무 큽니다.", "The request is too large.")
    unsupported_type = (415, "지원하지 않는 형식입니다.", "The media type is not supported.")
    validation_failed = (422, "입력값을 확인해 주세요.", "Some input is not acceptable.")
    rate_limited = (429, "잠시 후 다시 시도해 주세요.", "Too fast; try again shortly.")
    slow_mode = (429, "슬로 모드입니다. 잠시 후 다시 보내 주세요.", "Slow mode is on; wait before the next message.")
    internal = (500, "서버 오류가 발생했습니다.", "Something went wrong on the server.")
    unavailable = (503, "잠시 사용할 수 없습니다. 다시 시도해 주세요.", "Unavailable for a moment; try again.")

    @property
    def status(self) -> int:
        return self.value[0]

    @property
    def korean(self) -> str:
        return self.value[1]

    @property
    def english(self) -> str:
        return self.value[2]


class AppError(Exception):
    """A refusal with a code from the enum; it travels unchanged to the one renderer."""

    def __init__(
        self, code: ErrorCode, details: Mapping[str, Any] | None = None, *, retry_after_ms: int | None = None
    ) -> None:
        super().__init__(code.name)
        self.code = code
        self.details = dict(details or {})
        self.retry_after_ms = retry_after_ms


def refused_field(field: str, reason: str, message: str) -> AppError:
    """A 422 of a rule of ours, in the same shape as that of a body of the wrong form."""
    return AppError(ErrorCode.validation_failed, {"fields": [{"field": field, "reason": reason, "message": message}]})


def render_error(error: AppError, *, locale: str = "ko", request_id: str | None = None) -> dict[str, Any]:
    """The body of every refusal: {code, message, details[, request_id][, retry_after_ms]}."""
    body: dict[str, Any] = {
        "code": error.code.name,
        "message": error.code.english if locale.startswith("en") else error.code.korean,
        "details": error.details,
    }
    if request_id is not None:
        body["request_id"] = request_id
    if error.retry_after_ms is not None:
        body["retry_after_ms"] = error.retry_after_ms
    return body
