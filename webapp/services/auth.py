"""Who asks: tokens checked against the account as it is now, signing in, renewing and signing out.

What a request depends on is the token's session and the account. `auth_rev` rises with every revocation: it tells the
account's open sockets to `recheck` themselves.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from webapp.core import clock
from webapp.core.errors import AppError, ErrorCode
from webapp.core.ids import random_id
from webapp.domain import accounts as rules
from webapp.domain import limits
from webapp.domain.permissions import Actor
from webapp.integrations import passwords
from webapp.models.session import Session
from webapp.repositories import sessions, users
from webapp.repositories.users import Account, AuthState, TakenError
from webapp.schemas.accounts import Login, Logout, MeView, Refresh, Register, TokensView
from webapp.schemas.base import Ok
from webapp.services import rates, tokens
from webapp.services.tokens import AccessClaims
from webapp.services.unit_of_work import UnitOfWork, reading, unit_of_work

USER_AGENT_LENGTH = 200


@dataclass(frozen=True, slots=True)
class Credentials:
    """An account that showed a good token, and until when the token is good."""

    actor: Actor
    expires_at: datetime


def authenticate(token: str) -> Actor:
    """Whose token this is, as long as neither it nor the account was revoked."""
    return verify(token).actor


def verify(token: str) -> Credentials:
    """A token of ours or of the host product, checked against its session and account with one query."""
    claims = tokens.read_access(token)
    now = clock.now()
    state = users.auth_state(claims.user_id, _session_of(claims.user_id, claims.session_id))
    if state is None and claims.is_hosts:
        state = _first_sight(claims)
    state = _admitted(state, claims.session_id, now)
    if claims.is_hosts and _was_logged_out(state, claims.issued_at):
        raise AppError(ErrorCode.token_invalid)
    return Credentials(Actor(claims.user_id, claims.session_id, state.auth_rev, state.locale), claims.expires_at)


def recheck(actor: Actor) -> Actor:
    """The account behind an open socket as it is now; 401 once its session is over, 403 while it is suspended."""
    state = users.auth_state(actor.user_id, _session_of(actor.user_id, actor.session_id))
    state = _admitted(state, actor.session_id, clock.now())
    # A host's token isn't kept, so when it was issued is unknown here: any revocation ends the socket.
    if actor.session_id is None and state.auth_rev != actor.auth_rev:
        raise AppError(ErrorCode.token_invalid)
    return Actor(actor.user_id, actor.session_id, state.auth_rev, state.locale)


def register(body: Register, user_agent: str) -> TokensView:
    """A username and an email belong to one account; a new one is in no room and no team."""
    rules.refuse_common_password(body.password, "password")
    password_hash = passwords.hashed(body.password)
    try:
        with unit_of_work() as uow:
            account = users.add(
                str(random_id()),
                username=body.username,
                email=body.email,
                password_hash=password_hash,
                display_name=body.display_name,
                locale=body.locale,
            )
            return _signed_in(uow, account, user_agent)
    except TakenError as taken:
        raise AppError(ErrorCode.username_taken, {"field": taken.field}) from None


def login(body: Login, user_agent: str) -> TokensView:
    """A username with its password begins a session; an unknown username takes as long as a wrong password."""
    username = body.username.strip().lower()
    account = None
    if rules.USERNAME.fullmatch(username):
        rates.spend("login", f"username:{username}")
        with reading():
            account = users.find_by_username(username)
    known = account.password_hash if account is not None else None
    if not passwords.matches(known, body.password) or account is None or known is None:
        raise AppError(ErrorCode.bad_credentials)
    renewed = passwords.hashed(body.password) if passwords.is_outdated(known) else known
    with unit_of_work() as uow:
        account = _unchanged(account.user_id, known)
        refuse_suspended(account.suspended_until, uow.now)
        if renewed != known:
            account = users.change(account.user_id, password_hash=renewed)
        return _signed_in(uow, account, user_agent)


def refresh(body: Refresh) -> TokensView:
    """A refresh token renews its session once; whoever shows it again ends the session for everybody who has it."""
    claims = tokens.read_refresh(body.refresh_token)
    with unit_of_work() as uow:
        account = users.find(claims.user_id, lock=True)
        session = sessions.find(claims.session_id, lock=True)
        if session is None or account is None or account.erased_at is not None:
            raise AppError(ErrorCode.token_invalid)
        is_reused = claims.generation != session.generation
        if is_reused:
            _end_family(uow, session)
        elif session.revoked_at is not None:
            raise AppError(ErrorCode.token_invalid)
        else:
            refuse_suspended(account.suspended_until, uow.now)
            session.generation += 1
            return _tokens(uow, account, session)
    raise AppError(ErrorCode.token_reused)


def logout(actor: Actor, body: Logout) -> Ok:
    """Ends this session, or all; a token of the host has no session, so with it all that were issued end."""
    with unit_of_work() as uow:
        if body.everywhere or actor.session_id is None:
            end_everywhere(uow, actor.user_id)
        else:
            revoke(uow, actor.user_id)
            sessions.end(actor.user_id, actor.session_id, uow.now)
    return Ok()


def end_everywhere(uow: UnitOfWork, user_id: str) -> None:
    """No token that a person has until now is good any longer, of ours or of the host."""
    revoke(uow, user_id)
    sessions.end_others(user_id, None, uow.now)
    account = users.find(user_id)
    if account is not None and account.username is None:
        sessions.mark_host_session(tokens.host_session_id(user_id), user_id, uow.now)


def revoke(uow: UnitOfWork, user_id: str) -> None:
    """Lock the account and tell its sockets to recheck themselves: something that tokens depend on is taken away."""
    uow.tell(user_id, auth_rev=users.raise_auth_rev(user_id))


def refuse_suspended(suspended_until: datetime | None, now: datetime) -> None:
    """A suspended account can do nothing; the answer says until when."""
    if suspended_until is not None and suspended_until > now:
        raise AppError(ErrorCode.account_suspended, {"suspended_until": suspended_until})


def _session_of(user_id: str, session_id: UUID | None) -> UUID:
    return session_id or tokens.host_session_id(user_id)


def _admitted(state: AuthState | None, session_id: UUID | None, now: datetime) -> AuthState:
    if state is None or state.erased_at is not None:
        raise AppError(ErrorCode.token_invalid)
    refuse_suspended(state.suspended_until, now)
    if session_id is not None and (not state.has_session or state.session_ended_at is not None):
        raise AppError(ErrorCode.token_invalid)
    return state


def _was_logged_out(state: AuthState, issued_at: datetime | None) -> bool:
    """After a log-out everywhere a host's token has to say that it was issued later."""
    ended_at = state.session_ended_at
    return ended_at is not None and (issued_at is None or issued_at <= ended_at)


def _first_sight(claims: AccessClaims) -> AuthState | None:
    with unit_of_work():
        users.add_if_new(claims.user_id, rules.host_display_name(claims.name, claims.user_id))
    return users.auth_state(claims.user_id, tokens.host_session_id(claims.user_id))


def _unchanged(user_id: str, password_hash: str) -> Account:
    """The account, locked, if its password is still the one that was just verified."""
    account = users.find(user_id, lock=True)
    if account is None or account.erased_at is not None or account.password_hash != password_hash:
        raise AppError(ErrorCode.bad_credentials)
    return account


def _signed_in(uow: UnitOfWork, account: Account, user_agent: str) -> TokensView:
    printable = "".join(character for character in user_agent if character.isprintable())
    session = Session(
        session_id=random_id(),
        user_id=account.user_id,
        generation=0,
        user_agent=printable[:USER_AGENT_LENGTH],
        created_at=uow.now,
        last_used_at=uow.now,
        expires_at=uow.now,
    )
    view = _tokens(uow, account, session)
    sessions.add(session)
    sessions.end_beyond(account.user_id, limits.SESSIONS_PER_USER, uow.now)
    return view


def _tokens(uow: UnitOfWork, account: Account, session: Session) -> TokensView:
    session.last_used_at = uow.now
    session.expires_at = uow.now + timedelta(seconds=tokens.config().refresh_token_seconds)
    return TokensView(
        access_token=tokens.access_token(account.user_id, session.session_id, uow.now),
        refresh_token=tokens.refresh_token(account.user_id, session.session_id, session.generation, session.expires_at),
        expires_in=tokens.config().access_token_seconds,
        user=MeView.model_validate(account, from_attributes=True),
    )


def _end_family(uow: UnitOfWork, session: Session) -> None:
    if session.revoked_at is None:
        session.revoked_at = uow.now
        revoke(uow, session.user_id)
