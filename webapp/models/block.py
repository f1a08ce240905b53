"""blocks: who wants no contact with whom."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from webapp.models.base import Base, CreatedAt, UserId


class Block(Base):
    """A block of a person, or (with `member_id`) of a label of a blind room whose person the blocker doesn't know."""

    __tablename__ = "blocks"
    __table_args__ = (
        Index("uq_blocks_people", "blocker_id", "blocked_id", unique=True, postgresql_where=text("member_id IS NULL")),
        Index(
            "uq_blocks_labels", "blocker_id", "member_id", unique=True, postgresql_where=text("member_id IS NOT NULL")
        ),
        Index("ix_blocks_blocked_id", "blocked_id"),
    )

    block_id: Mapped[UUID] = mapped_column(primary_key=True)
    blocker_id: Mapped[UserId]
    blocked_id: Mapped[UserId]
    member_id: Mapped[UUID | None] = mapped_column(ForeignKey("chat_members.member_id"), index=True)
    created_at: Mapped[CreatedAt]
