"""drafts: one unsent text a membership."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Text
from sqlalchemy.orm import Mapped, mapped_column

from webapp.models.base import Base, MemberId


class Draft(Base):
    """What a member has typed in a room and not sent."""

    __tablename__ = "drafts"

    member_id: Mapped[MemberId] = mapped_column(primary_key=True)
    content: Mapped[str] = mapped_column(Text)
    updated_at: Mapped[datetime] = mapped_column(index=True)
