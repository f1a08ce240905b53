"""Who may do what in a room: one enum of permissions, one table of roles."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Actor:
    """The account that asks, as its verified token says."""

    user_id: str
    session_id: UUID | None = None
    auth_rev: int = 0
    locale: str = "ko"


class Permission(StrEnum):
    """What a role in a room may allow, as `scope:resource:action`."""

    room_update = "room:settings:update"
    room_archive = "room:settings:archive"
    member_remove = "room:member:remove"
    member_silence = "room:member:silence"
    owner_hand_over = "room:owner:hand_over"
    invitation_create = "room:invitation:create"
    mention_all = "room:mention:all"


ROLE_PERMISSIONS: dict[str, frozenset[Permission]] = {
    "owner": frozenset(Permission),
    "member": frozenset(),
}


def allows(role: str, permission: Permission) -> bool:
    """An unknown role allows nothing."""
    return permission in ROLE_PERMISSIONS.get(role, frozenset())
