"""The JWTs that we give out, and reading them or those of the host product."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

import jwt
from flask import current_app
from flask_jwt_extended import create_access_token, create_refresh_token, decode_token
from flask_jwt_extended.exceptions import JWTExtendedException

from webapp.config import Config
from webapp.core import clock
from webapp.core.errors import AppError, ErrorCode
from webapp.domain import accounts as rules
from webapp.integrations import host_tokens
from webapp.models.message import SYSTEM_SENDER

CACHED_SECONDS = 5.0
CACHE_BOUND = 10_000
_HOST_SESSIONS = UUID("6a1c9d5e-3f0b-5c1e-9d57-0f6d1c2b7a44")
_YEAR_9999 = 253_370_764_800


@dataclass(frozen=True, slots=True)
class AccessClaims:
    """What a token with a good signature says: ours names a session, the host's doesn't."""

    user_id: str
    expires_at: datetime
    session_id: UUID | None = None
    issued_at: datetime | None = None
    name: str | None = None

    @property
    def is_hosts(self) -> bool:
        return self.session_id is None


@dataclass(frozen=True, slots=True)
class RefreshClaims:
    """Which sign-in a refresh token renews, and the generation that it is."""

    user_id: str
    session_id: UUID
    generation: int


def config() -> Config:
    """The settings of the running application."""
    settings: Config = current_app.config["FOCUSMATE"]
    return settings


def access_token(user_id: str, session_id: UUID, now: datetime) -> str:
    """A token that is good for minutes, and no longer than its session."""
    expires_at = now + timedelta(seconds=config().access_token_seconds)
    return str(create_access_token(user_id, additional_claims={"sid": session_id.hex, "exp": expires_at}))


def refresh_token(user_id: str, session_id: UUID, generation: int, expires_at: datetime) -> str:
    """A token that renews its session once."""
    claims = {"sid": session_id.hex, "gen": generation, "exp": expires_at}
    return str(create_refresh_token(user_id, additional_claims=claims))


def read_access(token: str) -> AccessClaims:
    """What an access token says; its signature is remembered for seconds, its expiry is checked each time."""
    cache: dict[bytes, tuple[AccessClaims, float]] = current_app.extensions.setdefault("focusmate-claims", {})
    key = hashlib.sha256(token.encode()).digest()
    claims, good_until = cache.get(key, (None, 0.0))
    if claims is None or good_until < time.monotonic():
        claims = _own_access(token) or _hosts_access(token)
        if len(cache) >= CACHE_BOUND:
            cache.clear()
        cache[key] = claims, time.monotonic() + CACHED_SECONDS
    _refuse_expired(claims.expires_at)
    return claims


def read_refresh(token: str) -> RefreshClaims:
    """What an unexpired refresh token of ours says."""
    payload = _own_payload(token)
    if payload is None or payload["type"] != "refresh":
        raise AppError(ErrorCode.token_invalid)
    _refuse_expired(_time(payload["exp"]))
    return RefreshClaims(payload["sub"], _session(payload["sid"]), payload["gen"])


def host_session_id(user_id: str) -> UUID:
    """The session row that remembers when a host's person last logged out everywhere."""
    return uuid5(_HOST_SESSIONS, user_id)


def _own_access(token: str) -> AccessClaims | None:
    payload = _own_payload(token)
    if payload is None:
        return None
    if payload["type"] != "access":
        raise AppError(ErrorCode.token_invalid)
    return AccessClaims(payload["sub"], _time(payload["exp"]), _session(payload["sid"]))


def _own_payload(token: str) -> Mapping[str, Any] | None:
    try:
        payload: Mapping[str, Any] = decode_token(token, allow_expired=True)
    except (jwt.PyJWTError, JWTExtendedException, ValueError, RecursionError):
        return None
    # Signed with our secret but not made here: another use of the same secret.
    return payload if payload.keys() >= {"sub", "sid", "exp"} and rules.is_user_id(payload["sub"]) else None


def _session(claim: Any) -> UUID:
    """The session that a token names; what can't be one makes the token invalid."""
    try:
        return UUID(claim)
    except (ValueError, TypeError, AttributeError):
        raise AppError(ErrorCode.token_invalid) from None


def _hosts_access(token: str) -> AccessClaims:
    claims = host_tokens.verified(config().host_tokens, token)
    if claims is None or not rules.is_user_id(claims.subject) or claims.subject == SYSTEM_SENDER:
        raise AppError(ErrorCode.token_invalid)
    return AccessClaims(
        claims.subject,
        _time(claims.expires_at),
        issued_at=None if claims.issued_at is None else _time(claims.issued_at),
        name=claims.name if isinstance(claims.name, str) else None,
    )


def _time(stamp: Any) -> datetime:
    """Seconds since 1970 as a time; what can't be one makes the token invalid."""
    if not isinstance(stamp, int | float) or not 0 <= stamp < _YEAR_9999:
        raise AppError(ErrorCode.token_invalid)
    return datetime.fromtimestamp(stamp, UTC)


def _refuse_expired(expires_at: datetime) -> None:
    if expires_at <= clock.now():
        raise AppError(ErrorCode.token_expired)
