"""invitations: codes that let people into team channels."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select

from webapp.core.extensions import db
from webapp.models.invitation import Invitation


def add(invitation: Invitation) -> Invitation:
    """Insert a code."""
    db.session.add(invitation)
    db.session.flush()
    return invitation


def find(code: str) -> Invitation | None:
    """A code as it is now; whoever holds its room's lock may change it."""
    statement = select(Invitation).where(Invitation.code == code).execution_options(populate_existing=True)
    return db.session.execute(statement).scalar_one_or_none()


def count_live(room_id: UUID, now: datetime) -> int:
    """How many of a room's codes would still let someone in."""
    statement = select(func.count()).where(
        Invitation.room_id == room_id,
        Invitation.revoked_at.is_(None),
        Invitation.expires_at > now,
        Invitation.use_count < Invitation.max_uses,
    )
    return db.session.execute(statement).scalar_one()
