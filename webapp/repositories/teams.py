"""teams: groups of people with channels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, func, select

from webapp.core.extensions import db
from webapp.models.team import Team, TeamMember

PlainRow = Row[*tuple[Any, ...]]


def add(team: Team) -> Team:
    """Insert a team."""
    db.session.add(team)
    db.session.flush()
    return team


def find(team_id: UUID, *, lock: bool = False) -> Team | None:
    """A team; `lock` keeps others from counting its channels meanwhile."""
    statement = select(Team).where(Team.team_id == team_id)
    if lock:
        # Weak enough for the foreign keys of those who join meanwhile.
        statement = statement.with_for_update(key_share=True).execution_options(populate_existing=True)
    return db.session.execute(statement).scalar_one_or_none()


def find_row_of_user(team_id: UUID, user_id: str) -> PlainRow | None:
    """A team as one of its members has it."""
    return db.session.execute(_of_user(user_id).where(Team.team_id == team_id)).one_or_none()


def list_rows_of_user(user_id: str, *, before: UUID | None, limit: int) -> Sequence[PlainRow]:
    """A person's teams, the youngest first (their ids are time-ordered)."""
    statement = _of_user(user_id).order_by(Team.team_id.desc()).limit(limit)
    if before is not None:
        statement = statement.where(Team.team_id < before)
    return db.session.execute(statement).all()


def _of_user(user_id: str) -> Select[Any]:
    everyone = TeamMember.__table__.alias()
    member_count = select(func.count()).select_from(everyone).where(everyone.c.team_id == Team.team_id)
    return (
        select(
            Team.team_id,
            Team.team_name,
            Team.description,
            Team.created_at,
            TeamMember.role,
            member_count.correlate(Team).scalar_subquery().label("member_count"),
        )
        .join(TeamMember, TeamMember.team_id == Team.team_id)
        .where(TeamMember.user_id == user_id)
    )
