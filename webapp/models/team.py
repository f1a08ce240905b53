"""teams and team_members: who may find which channels."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from webapp.models.base import Base, CreatedAt, UserId


class Team(Base):
    """A group of people with channels."""

    __tablename__ = "teams"

    team_id: Mapped[UUID] = mapped_column(primary_key=True)
    team_name: Mapped[str] = mapped_column(String(80))
    description: Mapped[str] = mapped_column(String(500), server_default="")
    created_at: Mapped[CreatedAt]


class TeamMember(Base):
    """A person in a team; `role` is `owner` or `member`."""

    __tablename__ = "team_members"
    __table_args__ = (Index("ix_team_members_user_id", "user_id"),)

    team_id: Mapped[UUID] = mapped_column(ForeignKey("teams.team_id"), primary_key=True)
    user_id: Mapped[UserId] = mapped_column(primary_key=True)
    role: Mapped[str] = mapped_column(String(20), server_default="member")
    joined_at: Mapped[CreatedAt]
