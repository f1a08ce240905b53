"""What the server says in rooms, in plain Korean for simple clients; richer ones render `kind` and `params`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

KOREAN = {
    "member_joined": "새로운 멤버가 들어왔습니다.",
    "member_left": "멤버가 나갔습니다.",
    "member_removed": "멤버가 내보내졌습니다.",
    "owner_changed": "방장이 바뀌었습니다.",
    "room_renamed": "채팅방 이름이 바뀌었습니다.",
    "room_frozen": "채팅방이 읽기 전용으로 바뀌었습니다.",
    "room_unfrozen": "채팅방에 다시 메시지를 보낼 수 있습니다.",
    "room_archived": "채팅방이 보관되었습니다.",
    "room_unarchived": "채팅방 보관이 해제되었습니다.",
    "slow_mode_changed": "슬로 모드가 {seconds}초로 설정되었습니다.",
    "blind_opened": "익명 채팅방이 열렸습니다. 서로에게 이름 대신 기호(A1, B1…)만 보이며, "
    "운영진은 사유를 기록한 뒤에만 신원을 확인할 수 있습니다.",
    "match_opened": "매칭 채팅방이 열렸습니다. 서로의 프로필을 볼 수 있습니다.",
}


def in_korean(kind: str, params: Mapping[str, Any]) -> str:
    """The sentence for a kind; an unknown kind is a fault of ours."""
    return KOREAN[kind].format(**params)
