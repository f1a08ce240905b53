"""invitations: codes that let people into team channels."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from webapp.models.base import Base, CreatedAt, MemberId, RoomId


class Invitation(Base):
    """A code of a team channel: good until it expires, is used up or is revoked."""

    __tablename__ = "invitations"

    code: Mapped[str] = mapped_column(String(16), primary_key=True)
    room_id: Mapped[RoomId] = mapped_column(index=True)
    created_by: Mapped[MemberId]
    created_at: Mapped[CreatedAt]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    max_uses: Mapped[int]
    use_count: Mapped[int] = mapped_column(server_default="0")
    revoked_at: Mapped[datetime | None]
