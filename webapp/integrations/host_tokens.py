"""JWTs of the host product: verified with the one algorithm that the deployment names, or the keys of its JWKS file."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import jwt

from webapp.config import HostTokens

log = logging.getLogger(__name__)

JWKS_ALGORITHMS = frozenset({"HS256", "RS256", "ES256"})
# Clocks of two products differ a little; this spares only `iat` and `nbf`, expiry is checked by whoever asks.
LEEWAY_SECONDS = 30


@dataclass(frozen=True, slots=True)
class HostClaims:
    """What the host says, with times as it wrote them."""

    subject: str
    expires_at: Any
    issued_at: Any
    name: Any


def verified(settings: HostTokens, token: str) -> HostClaims | None:
    """The claims of a token that the host has signed, without looking at its expiry; None for any other text."""
    if not settings.enabled:
        return None
    try:
        key, algorithm = _key(settings, token)
        claims = jwt.decode(
            token,
            key,
            algorithms=[algorithm],
            issuer=settings.issuer,
            audience=settings.audience,
            leeway=LEEWAY_SECONDS,
            options={"require": ["exp", "sub"], "verify_exp": False, "verify_aud": settings.audience is not None},
        )
    except (jwt.PyJWTError, ValueError, RecursionError):
        return None
    except OSError as error:
        log.error("JWT_HOST_JWKS_FILE can't be read", extra={"error": type(error).__name__})
        return None
    return HostClaims(claims["sub"], claims["exp"], claims.get("iat"), claims.get("name"))


def _key(settings: HostTokens, token: str) -> tuple[str | jwt.PyJWK, str]:
    if settings.jwks_file is None:
        return settings.key, settings.algorithm
    keys = _keys(settings.jwks_file, settings.jwks_file.stat().st_mtime_ns)
    wanted = jwt.get_unverified_header(token).get("kid")
    fitting = [key for key in keys if wanted in (None, key.key_id)]
    # The algorithm is the key's own, never the token's; a token that names no key fits only a single one.
    if len(fitting) != 1 or fitting[0].algorithm_name not in JWKS_ALGORITHMS:
        raise jwt.InvalidKeyError("no key of the file fits")
    return fitting[0], fitting[0].algorithm_name


@lru_cache(maxsize=2)
def _keys(path: Path, _changed_at: int) -> tuple[jwt.PyJWK, ...]:
    """The file's keys, read again when the file has changed."""
    return tuple(jwt.PyJWKSet.from_json(path.read_text(encoding="utf-8")).keys)
