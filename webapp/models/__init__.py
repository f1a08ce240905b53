"""All tables, registered on one metadata (for migrations and their drift check)."""

from webapp.models import block, deployment, draft, invitation, member, message, room, room_cursor, session, team, user
from webapp.models.base import Base
from webapp.models.thread_read import ThreadRead

__all__ = [
    "Base",
    "ThreadRead",
    "block",
    "deployment",
    "draft",
    "invitation",
    "member",
    "message",
    "room",
    "room_cursor",
    "session",
    "team",
    "user",
]
