"""One's own account: profile, settings, password, sign-ins; and finding other people."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from uuid import UUID

from webapp import presenters
from webapp.core.errors import AppError, ErrorCode, refused_field
from webapp.core.ids import random_token
from webapp.domain import accounts as rules
from webapp.domain.permissions import Actor
from webapp.integrations import passwords, tasks
from webapp.models.session import Session
from webapp.repositories import sessions, users
from webapp.repositories.users import Account
from webapp.schemas.accounts import (
    ChangePassword,
    EndSessions,
    MeView,
    ResetPassword,
    SessionList,
    SessionView,
    SettingsView,
    UpdateMe,
    UpdateSettings,
    UserPage,
    UsersQuery,
)
from webapp.schemas.base import Ok, Page
from webapp.schemas.rooms import ProfileView
from webapp.services import auth, members
from webapp.services.paging import decode_cursor, encode_cursor, moment
from webapp.services.unit_of_work import reading, unit_of_work

REQUIRED = {"display_name", "locale"}
SHOWN_IN_ROOMS = {"display_name", "school", "department", "grade"}


def me(actor: Actor) -> MeView:
    """All of one's own profile."""
    with reading():
        return _me(_account(actor.user_id))


def update_me(actor: Actor, body: UpdateMe) -> MeView:
    """Only the fields given change; null empties those that may be empty."""
    given = body.model_dump(exclude_unset=True)
    fields = {name: value for name, value in given.items() if value is not None or name not in REQUIRED}
    with unit_of_work():
        changed = _me(users.change(actor.user_id, **fields) if fields else _account(actor.user_id))
    if fields.keys() & SHOWN_IN_ROOMS and not tasks.send("workers.members.announce_profile", actor.user_id):
        members.announce_profile(actor.user_id)
    return changed


def settings(actor: Actor) -> SettingsView:
    """One's language and privacy switches."""
    with reading():
        return _settings(_account(actor.user_id))


def update_settings(actor: Actor, body: UpdateSettings) -> SettingsView:
    """Only the switches given change; open sockets follow at once, as they carry receipts and presence."""
    fields = body.model_dump(exclude_none=True)
    with unit_of_work() as uow:
        if not fields:
            return _settings(_account(actor.user_id))
        rooms_rev = users.raise_rooms_rev([actor.user_id])[actor.user_id]
        account = users.change(actor.user_id, **fields)
        uow.tell(actor.user_id, rooms_rev=rooms_rev)
        return _settings(account)


def list_sessions(actor: Actor, query: Page) -> SessionList:
    """Where one is signed in; the host product's own sign-ins aren't known here."""
    before = None
    if query.cursor is not None:
        at, session_id = decode_cursor(query.cursor, moment, UUID)
        before = (at, session_id)
    with reading() as now:
        rows = sessions.list_live(actor.user_id, now, before=before, limit=query.limit + 1)
        shown = rows[: query.limit]
        last = shown[-1] if len(rows) > query.limit else None
        return SessionList(
            sessions=[_session(row, actor) for row in shown],
            next_cursor=None if last is None else encode_cursor(last.last_used_at, last.session_id),
        )


def end_sessions(actor: Actor, query: EndSessions) -> Ok:
    """Ends one of one's own sessions, or with none named all others."""
    with unit_of_work() as uow:
        auth.revoke(uow, actor.user_id)
        if query.session_id is None:
            sessions.end_others(actor.user_id, actor.session_id, uow.now)
        elif not sessions.end(actor.user_id, query.session_id, uow.now):
            raise AppError(ErrorCode.session_not_found)
    return Ok()


def change_password(actor: Actor, body: ChangePassword) -> Ok:
    """Whoever knows the present password may set another; all other sessions end."""
    rules.refuse_common_password(body.new_password, "new_password")
    with reading():
        known = _account(actor.user_id).password_hash
    if not passwords.matches(known, body.current_password):
        raise _wrong_password()
    password_hash = passwords.hashed(body.new_password)
    with unit_of_work() as uow:
        account = users.find(actor.user_id, lock=True)
        if account is None or account.password_hash != known:
            raise _wrong_password()
        users.change(actor.user_id, password_hash=password_hash)
        auth.revoke(uow, actor.user_id)
        sessions.end_others(actor.user_id, actor.session_id, uow.now)
    return Ok()


def make_reset_code(username: str) -> str:
    """A code that sets a new password once within an hour; an earlier one is no longer good."""
    code = random_token(24)
    with unit_of_work() as uow:
        account = users.find_by_username(username.strip().lower())
        if account is None:
            raise AppError(ErrorCode.user_not_found)
        users.find(account.user_id, lock=True)
        sessions.replace_reset(account.user_id, _digest(code), uow.now + rules.RESET_CODE_LIFETIME)
    return code


def reset_password(body: ResetPassword) -> Ok:
    """A one-time code sets a new password and ends all sessions."""
    rules.refuse_common_password(body.new_password, "new_password")
    code_hash = _digest(body.code)
    with reading() as now:
        user_id = sessions.find_reset(code_hash, now)
    if user_id is None:
        raise _wrong_code()
    password_hash = passwords.hashed(body.new_password)
    with unit_of_work() as uow:
        # The account first: whoever makes a code locks in this order too.
        account = users.find(user_id, lock=True)
        if account is None or account.erased_at is not None or not sessions.spend_reset(code_hash, uow.now):
            raise _wrong_code()
        users.change(user_id, password_hash=password_hash)
        auth.end_everywhere(uow, user_id)
    return Ok()


def search_users(actor: Actor, query: UsersQuery) -> UserPage:
    """A person is found by exact username, or by a part of a name in a common team; without school or grade."""
    after = None
    if query.cursor is not None:
        key, user_id = decode_cursor(query.cursor, _text, _text)
        after = (key, user_id)
    with reading() as now:
        found = users.search(actor.user_id, query.query, now=now, after=after, limit=query.limit + 1)
        page = found[: query.limit]
        shown = cards([user_id for _, user_id in page])
    return UserPage(
        users=[shown[user_id] for _, user_id in page],
        next_cursor=encode_cursor(*page[-1]) if len(found) > query.limit else None,
    )


def cards(user_ids: Sequence[str]) -> dict[str, ProfileView]:
    """People as anybody may see them: names and picture, no school, department or grade."""
    hidden = {"school": None, "department": None, "grade": None}
    return {user_id: view.model_copy(update=hidden) for user_id, view in presenters.profiles(user_ids).items()}


def _account(user_id: str) -> Account:
    account = users.find(user_id)
    if account is None:
        raise AppError(ErrorCode.user_not_found)
    return account


def _me(account: Account) -> MeView:
    return MeView.model_validate(account, from_attributes=True)


def _settings(account: Account) -> SettingsView:
    return SettingsView.model_validate(account, from_attributes=True)


def _session(row: Session, actor: Actor) -> SessionView:
    return SessionView(
        session_id=row.session_id,
        user_agent=row.user_agent,
        created_at=row.created_at,
        last_used_at=row.last_used_at,
        is_current=row.session_id == actor.session_id,
    )


def _digest(code: str) -> bytes:
    return hashlib.sha256(code.strip().encode()).digest()


def _text(part: object) -> str:
    if not isinstance(part, str):
        raise TypeError("not a text")
    return part


def _wrong_password() -> AppError:
    return refused_field("current_password", "wrong_password", "is not the present password")


def _wrong_code() -> AppError:
    return refused_field("code", "wrong_code", "is unknown, used or expired")
