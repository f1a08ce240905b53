"""What upkeep looks at: rooms that moved lately, and rows that are over. Every removal is bounded."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import text

from webapp.core.extensions import db


def recently_active_rooms(limit: int) -> Sequence[UUID]:
    """Rooms whose unread cursor moved last."""
    statement = text(
        "SELECT room_id FROM room_cursors WHERE consumer = 'unread' AND seq > 0 ORDER BY updated_at DESC LIMIT :limit"
    )
    return db.session.execute(statement, {"limit": limit}).scalars().all()


def remove_sessions(before: datetime, limit: int) -> int:
    """Sign-ins whose refresh token expired; by expiry alone, as a host's log-out marker must outlive its revocation."""
    return _remove("sessions", "session_id", "expires_at < :before", before, limit)


def remove_reset_codes(before: datetime, limit: int) -> int:
    """One-time codes that expired."""
    return _remove("password_resets", "code_hash", "expires_at < :before", before, limit)


def remove_invitations(before: datetime, limit: int) -> int:
    """Invitations that expired."""
    return _remove("invitations", "code", "expires_at < :before", before, limit)


def remove_drafts(before: datetime, limit: int) -> int:
    """Drafts that nobody came back to."""
    return _remove("drafts", "member_id", "updated_at < :before", before, limit)


def _remove(table: str, key: str, over: str, before: datetime, limit: int) -> int:
    statement = text(
        f"DELETE FROM {table} WHERE {key} IN "  # noqa: S608 - names of ours
        f"(SELECT {key} FROM {table} WHERE {over} LIMIT :limit FOR UPDATE SKIP LOCKED)"
    )
    result = db.session.execute(statement, {"before": before, "limit": limit})
    return int(result.rowcount)  # type: ignore[attr-defined]
