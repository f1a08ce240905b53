"""sessions and password_resets: who is signed in where, and one-time codes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert

from webapp.core.extensions import db
from webapp.models.session import PasswordReset, Session

# A host's token may live for long, so the row that refuses old ones stays.
HOST_SESSION_LIFETIME = timedelta(days=3650)


def add(session: Session) -> Session:
    """Insert a sign-in."""
    db.session.add(session)
    db.session.flush()
    return session


def find(session_id: UUID, *, lock: bool = False) -> Session | None:
    """A sign-in, over or not; `lock` reads it anew."""
    statement = select(Session).where(Session.session_id == session_id)
    if lock:
        statement = statement.with_for_update().execution_options(populate_existing=True)
    return db.session.execute(statement).scalar_one_or_none()


def list_live(user_id: str, now: datetime, *, before: tuple[datetime, UUID] | None, limit: int) -> Sequence[Session]:
    """Where a person is signed in, the last used first."""
    statement = (
        select(Session)
        .where(Session.user_id == user_id, Session.revoked_at.is_(None), Session.expires_at > now)
        .order_by(Session.last_used_at.desc(), Session.session_id.desc())
        .limit(limit)
    )
    if before is not None:
        statement = statement.where(tuple_(Session.last_used_at, Session.session_id) < before)
    return db.session.execute(statement).scalars().all()


def end(user_id: str, session_id: UUID, now: datetime) -> bool:
    """End one session of a person; False when there is none to end."""
    statement = update(Session).where(
        Session.session_id == session_id,
        Session.user_id == user_id,
        Session.revoked_at.is_(None),
        Session.expires_at > now,
    )
    ended = db.session.execute(statement.values(revoked_at=now).returning(Session.session_id))
    return ended.first() is not None


def end_others(user_id: str, kept: UUID | None, now: datetime) -> None:
    """End a person's sessions, all but one."""
    statement = update(Session).where(Session.user_id == user_id, Session.revoked_at.is_(None))
    if kept is not None:
        statement = statement.where(Session.session_id != kept)
    db.session.execute(statement.values(revoked_at=now))


def end_beyond(user_id: str, kept: int, now: datetime) -> None:
    """End the sessions that were longest unused, so that `kept` stay."""
    oldest = (
        select(Session.session_id)
        .where(Session.user_id == user_id, Session.revoked_at.is_(None), Session.expires_at > now)
        .order_by(Session.last_used_at.desc(), Session.session_id)
        .offset(kept)
    )
    db.session.execute(update(Session).where(Session.session_id.in_(oldest)).values(revoked_at=now))


def mark_host_session(session_id: UUID, user_id: str, now: datetime) -> None:
    """Remember that the host's tokens issued up to now are no longer good for this person."""
    statement = insert(Session).values(
        session_id=session_id,
        user_id=user_id,
        last_used_at=now,
        expires_at=now + HOST_SESSION_LIFETIME,
        revoked_at=now,
    )
    moved = {name: statement.excluded[name] for name in ("last_used_at", "expires_at", "revoked_at")}
    db.session.execute(statement.on_conflict_do_update(index_elements=[Session.session_id], set_=moved))


def replace_reset(user_id: str, code_hash: bytes, expires_at: datetime) -> None:
    """The one code that a person can use; earlier ones are gone."""
    db.session.execute(delete(PasswordReset).where(PasswordReset.user_id == user_id))
    db.session.add(PasswordReset(code_hash=code_hash, user_id=user_id, expires_at=expires_at))


def find_reset(code_hash: bytes, now: datetime) -> str | None:
    """Whose unused, unexpired code this is."""
    statement = select(PasswordReset.user_id).where(
        PasswordReset.code_hash == code_hash, PasswordReset.used_at.is_(None), PasswordReset.expires_at > now
    )
    return db.session.execute(statement).scalar_one_or_none()


def spend_reset(code_hash: bytes, now: datetime) -> bool:
    """Use up a code; of several calls one gets True."""
    statement = (
        update(PasswordReset)
        .where(PasswordReset.code_hash == code_hash, PasswordReset.used_at.is_(None), PasswordReset.expires_at > now)
        .values(used_at=now)
        .returning(PasswordReset.user_id)
    )
    return db.session.execute(statement).first() is not None


def ended(session_ids: Sequence[UUID]) -> frozenset[UUID]:
    """Those of these sessions that were revoked."""
    if not session_ids:
        return frozenset()
    statement = select(Session.session_id).where(Session.session_id.in_(session_ids), Session.revoked_at.is_not(None))
    return frozenset(db.session.execute(statement).scalars())
