"""Who is behind a user id. Imported by the presenters and the reveal service alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import func, or_, select

from webapp.core.extensions import db
from webapp.models.member import Member
from webapp.models.user import User


@dataclass(frozen=True, slots=True)
class Person:
    """A name and what goes with it."""

    shown: dict[str, Any]
    shows_presence: bool
    shows_receipts: bool


_SHOWN = (
    User.user_id,
    User.username,
    User.display_name,
    User.avatar_url,
    User.school,
    User.department,
    User.grade,
)


def profiles(user_ids: Sequence[str]) -> dict[str, Person]:
    """People by user id."""
    if not user_ids:
        return {}
    statement = select(*_SHOWN, User.shows_presence, User.shows_receipts).where(User.user_id.in_(set(user_ids)))
    return {
        row.user_id: Person(
            {column.key: getattr(row, column.key) for column in _SHOWN}, row.shows_presence, row.shows_receipts
        )
        for row in db.session.execute(statement)
    }


def shows_receipts(user_id: str) -> bool:
    """Whether a person shows read receipts, and so sees those of others."""
    return bool(db.session.execute(select(User.shows_receipts).where(User.user_id == user_id)).scalar_one_or_none())


def members_by_label(room_id: UUID, names: Sequence[str]) -> dict[str, UUID]:
    """Active members by anonymous name, whatever the case."""
    label = func.upper(Member.anonymous_name)
    statement = select(label, Member.member_id).where(
        Member.room_id == room_id, Member.is_active, label.in_([name.upper() for name in names])
    )
    found = {str(name): member_id for name, member_id in db.session.execute(statement)}
    return {name: found[name.upper()] for name in names if name.upper() in found}


def members_by_name(room_id: UUID, names: Sequence[str]) -> dict[str, UUID]:
    """Active members by display name or username; a name that several share is nobody's."""
    wanted = set(names)
    statement = (
        select(Member.member_id, User.display_name, User.username)
        .join(User, User.user_id == Member.user_id)
        .where(Member.room_id == room_id, Member.is_active)
        .where(or_(User.display_name.in_(wanted), User.username.in_({name.lower() for name in wanted})))
    )
    found: dict[str, set[UUID]] = {}
    for member_id, display_name, username in db.session.execute(statement):
        found.setdefault(display_name, set()).add(member_id)
        if username:
            found.setdefault(username, set()).add(member_id)
    matches = {name: found.get(name) or found.get(name.lower(), set()) for name in wanted}
    return {name: next(iter(ids)) for name, ids in matches.items() if len(ids) == 1}
