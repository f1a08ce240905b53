"""sessions: one row a sign-in (a refresh token family); password_resets: one-time codes."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from webapp.models.base import Base, CreatedAt, UserId


class Session(Base):
    """A sign-in. Only the refresh token of the present `generation` is good; an older one ends the session."""

    __tablename__ = "sessions"
    __table_args__ = (Index("ix_sessions_user_id_created_at", "user_id", "created_at"),)

    session_id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UserId]
    generation: Mapped[int] = mapped_column(server_default="0")
    user_agent: Mapped[str] = mapped_column(String(200), server_default="")
    created_at: Mapped[CreatedAt]
    last_used_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    revoked_at: Mapped[datetime | None]


class PasswordReset(Base):
    """A one-time code, stored as its SHA-256."""

    __tablename__ = "password_resets"

    code_hash: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    user_id: Mapped[UserId] = mapped_column(index=True)
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
