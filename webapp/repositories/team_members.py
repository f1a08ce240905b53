"""team_members: who is in which team."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select, tuple_
from sqlalchemy.dialects.postgresql import insert

from webapp.core.extensions import db
from webapp.models.team import TeamMember


def find(team_id: UUID, user_id: str, *, share: bool = False, lock: bool = False) -> TeamMember | None:
    """A place in a team; `share` keeps it until the end of the transaction, `lock` allows to end it."""
    statement = select(TeamMember).where(TeamMember.team_id == team_id, TeamMember.user_id == user_id)
    if share or lock:
        statement = statement.with_for_update(read=share).execution_options(populate_existing=True)
    return db.session.execute(statement).scalar_one_or_none()


def add_all(team_id: UUID, user_ids: Sequence[str], joined_at: datetime) -> None:
    """Let people in, in id order; those who are in keep their place."""
    rows = [{"team_id": team_id, "user_id": user_id, "joined_at": joined_at} for user_id in sorted(user_ids)]
    db.session.execute(insert(TeamMember).on_conflict_do_nothing(), rows)


def add_owner(team_id: UUID, user_id: str, joined_at: datetime) -> None:
    """Insert the place of a new team's owner."""
    db.session.add(TeamMember(team_id=team_id, user_id=user_id, role="owner", joined_at=joined_at))
    db.session.flush()


def remove(member: TeamMember) -> None:
    """End a place; a team keeps no record of who was in it."""
    db.session.delete(member)
    db.session.flush()


def count(team_id: UUID) -> int:
    """How many people are in a team."""
    return db.session.execute(select(func.count()).where(TeamMember.team_id == team_id)).scalar_one()


def count_teams(user_ids: Sequence[str], *, beside: UUID | None = None) -> dict[str, int]:
    """In how many teams each of these people is, one team left out."""
    statement = (
        select(TeamMember.user_id, func.count().label("number"))
        .where(TeamMember.user_id.in_(user_ids))
        .group_by(TeamMember.user_id)
    )
    if beside is not None:
        statement = statement.where(TeamMember.team_id != beside)
    return {row.user_id: row.number for row in db.session.execute(statement)}


def list_page(team_id: UUID, *, after: tuple[datetime, str] | None, limit: int) -> Sequence[TeamMember]:
    """A team's people in the order in which they came."""
    place = tuple_(TeamMember.joined_at, TeamMember.user_id)
    statement = select(TeamMember).where(TeamMember.team_id == team_id).limit(limit)
    if after is not None:
        statement = statement.where(place > after)
    return db.session.execute(statement.order_by(TeamMember.joined_at, TeamMember.user_id)).scalars().all()
