"""users: accounts. What others may learn about a person is read in `identities`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import and_, exists, func, insert, or_, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import aliased

from webapp.core.extensions import db
from webapp.models.block import Block
from webapp.models.team import TeamMember
from webapp.models.user import User
from webapp.repositories import hot


class TakenError(Exception):
    """Another account has this username or email; `field` says which."""

    def __init__(self, field: str) -> None:
        super().__init__(field)
        self.field = field


@dataclass(frozen=True, slots=True)
class Account:
    """An account as its owner, and signing in, know it."""

    user_id: str
    username: str | None
    email: str | None
    password_hash: str | None
    display_name: str
    avatar_url: str | None
    locale: str
    school: str | None
    department: str | None
    grade: str | None
    gender: str | None
    shows_receipts: bool
    shows_presence: bool
    auth_rev: int
    suspended_until: datetime | None
    created_at: datetime
    erased_at: datetime | None


@dataclass(frozen=True, slots=True)
class AuthState:
    """What decides whether a token is still good: the account, and the session that the token names."""

    auth_rev: int
    locale: str
    suspended_until: datetime | None
    erased_at: datetime | None
    has_session: bool
    session_ended_at: datetime | None


_ACCOUNT = tuple(getattr(User, name) for name in Account.__dataclass_fields__)
_UNIQUE = {"uq_users_username": "username", "uq_users_email": "email"}

# Runs at every request.
_AUTH_STATE = """
    SELECT u.auth_rev, u.locale, u.suspended_until, u.erased_at, s.session_id IS NOT NULL, s.revoked_at
    FROM users u LEFT JOIN sessions s ON s.session_id = %(session_id)s AND s.user_id = u.user_id
    WHERE u.user_id = %(user_id)s
"""


def add(user_id: str, **fields: Any) -> Account:
    """A new account; TakenError when another one has the username or email, whoever was first by however little."""
    try:
        row = db.session.execute(insert(User).values(user_id=user_id, **fields).returning(*_ACCOUNT)).one()
    except IntegrityError as error:
        field = _UNIQUE.get(getattr(getattr(error.orig, "diag", None), "constraint_name", None) or "")
        if field is None:
            raise
        raise TakenError(field) from None
    return Account(*row)


def add_if_new(user_id: str, display_name: str) -> None:
    """The account of a person of the host product, made once."""
    statement = upsert(User).values(user_id=user_id, display_name=display_name)
    db.session.execute(statement.on_conflict_do_nothing(index_elements=[User.user_id]))


def find(user_id: str, *, lock: bool = False) -> Account | None:
    """An account by its id."""
    statement = select(*_ACCOUNT).where(User.user_id == user_id)
    row = db.session.execute(statement.with_for_update(key_share=True) if lock else statement).one_or_none()
    return None if row is None else Account(*row)


def find_by_username(username: str) -> Account | None:
    """An account by its username, which is stored in lower case."""
    row = db.session.execute(select(*_ACCOUNT).where(User.username == username)).one_or_none()
    return None if row is None else Account(*row)


def change(user_id: str, **fields: Any) -> Account:
    """Set columns of an account and return it as it is then."""
    statement = update(User).where(User.user_id == user_id).values(**fields).returning(*_ACCOUNT)
    return Account(*db.session.execute(statement.execution_options(synchronize_session=False)).one())


def raise_auth_rev(user_id: str, **fields: Any) -> int | None:
    """Count one more revocation, with what else changes; the new revision, None without such an account."""
    statement = update(User).where(User.user_id == user_id).values(auth_rev=User.auth_rev + 1, **fields)
    statement = statement.execution_options(synchronize_session=False)
    return db.session.execute(statement.returning(User.auth_rev)).scalar_one_or_none()


def auth_state(user_id: str, session_id: UUID) -> AuthState | None:
    """An account, and one session of it, as they are now."""
    found = hot.rows(_AUTH_STATE, {"user_id": user_id, "session_id": session_id})
    return AuthState(*found[0]) if found else None


def search(
    viewer_id: str, words: str, *, now: datetime, after: tuple[str, str] | None, limit: int
) -> Sequence[tuple[str, str]]:
    """(sort key, user id) of the exact username, and of people in a common team by a part of either name.

    Left out: the viewer, erased and suspended accounts, and whoever blocks or is blocked by the viewer openly.
    """
    mine, theirs = aliased(TeamMember), aliased(TeamMember)
    teammates = select(theirs.user_id).join(mine, mine.team_id == theirs.team_id).where(mine.user_id == viewer_id)
    exact = select(User.user_id).where(User.username == words.lower())
    named = or_(User.display_name.icontains(words, autoescape=True), User.username.icontains(words, autoescape=True))
    key = func.lower(User.display_name)
    statement = (
        select(key, User.user_id)
        .where(User.user_id.in_(teammates.union(exact)), or_(User.username == words.lower(), named))
        .where(User.user_id != viewer_id, User.erased_at.is_(None))
        .where(or_(User.suspended_until.is_(None), User.suspended_until <= now))
        .where(~_blocks_openly(viewer_id))
        .order_by(key, User.user_id)
        .limit(limit)
    )
    if after is not None:
        statement = statement.where(tuple_(key, User.user_id) > after)
    return [(row[0], row[1]) for row in db.session.execute(statement)]


def _blocks_openly(viewer_id: str) -> Any:
    pair = or_(
        and_(Block.blocker_id == viewer_id, Block.blocked_id == User.user_id),
        and_(Block.blocked_id == viewer_id, Block.blocker_id == User.user_id),
    )
    return exists().where(Block.member_id.is_(None), pair)


def raise_rooms_rev(user_ids: Sequence[str]) -> dict[str, int]:
    """Lock these users in id order and count one more change of their rooms; the new revisions by user id."""
    locked = select(User.user_id).where(User.user_id.in_(set(user_ids))).order_by(User.user_id)
    locked_ids = locked.with_for_update(key_share=True).cte("locked")
    statement = (
        update(User)
        .where(User.user_id == locked_ids.c.user_id)
        .values(rooms_rev=User.rooms_rev + 1)
        .returning(User.user_id, User.rooms_rev)
        .execution_options(synchronize_session=False)
    )
    return {row.user_id: row.rooms_rev for row in db.session.execute(statement)}


def find_active_ids(user_ids: Sequence[str], *, lock: bool = False) -> frozenset[str]:
    """Those of these ids that belong to accounts that were not erased; `lock` locks them in id order."""
    statement = select(User.user_id).where(User.user_id.in_(set(user_ids)), User.erased_at.is_(None))
    if lock:
        statement = statement.order_by(User.user_id).with_for_update(key_share=True)
    return frozenset(db.session.execute(statement).scalars())


def revisions(user_ids: Sequence[str]) -> dict[str, tuple[int, int]]:
    """Each user's `auth_rev` and `rooms_rev`, for the heads check."""
    statement = select(User.user_id, User.auth_rev, User.rooms_rev).where(User.user_id.in_(set(user_ids)))
    return {row.user_id: (row.auth_rev, row.rooms_rev) for row in db.session.execute(statement)}


def showing_receipts(user_ids: Sequence[str]) -> frozenset[str]:
    """Those of these people who show read receipts."""
    statement = select(User.user_id).where(User.user_id.in_(set(user_ids)), User.shows_receipts)
    return frozenset(db.session.execute(statement).scalars())
