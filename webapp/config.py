"""Configuration: one frozen object, and the only reader of the environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

DEVELOPMENT_SECRET = "development-only-secret-key-do-not-use-in-production"
DEFAULT_DATABASE_URL = "postgresql://chat@127.0.0.1:5432/focusmate"
DEFAULT_REDIS_URL = "redis://127.0.0.1:6379/0"


class ConfigError(ValueError):
    """A setting is missing, malformed or unsafe for production."""


@dataclass(frozen=True)
class HostTokens:
    """How JWTs of a host product are verified; `None` keys mean that none are accepted."""

    algorithm: str = ""
    key: str = ""
    jwks_file: Path | None = None
    issuer: str | None = None
    audience: str | None = None

    @property
    def enabled(self) -> bool:
        return bool(self.key or self.jwks_file)


@dataclass(frozen=True)
class Config:
    """Everything that differs between deployments. Durations are in seconds."""

    environment: str = "development"
    secret_key: str = DEVELOPMENT_SECRET
    database_url: str = DEFAULT_DATABASE_URL
    redis_url: str = DEFAULT_REDIS_URL
    data_dir: Path = Path("var")
    port: int = 8000
    web_concurrency: int = 2
    allowed_origins: frozenset[str] = frozenset()
    trusted_proxies: int = 0
    rate_limit_factor: float = 1.0
    host_tokens: HostTokens = HostTokens()
    requires_worker: bool = False
    access_token_seconds: int = 30 * 60
    refresh_token_seconds: int = 7 * 24 * 3600
    log_level: str = "INFO"

    @property
    def is_production(self) -> bool:
        return self.environment == "production"

    def checked(self) -> Config:
        """Refuse what must never reach production: the built-in secret, and switched-off rate limits."""
        if self.is_production:
            if self.secret_key == DEVELOPMENT_SECRET or len(self.secret_key) < 32:
                raise ConfigError("SECRET_KEY must be set to at least 32 characters in production")
            if self.rate_limit_factor == 0:
                raise ConfigError("RATE_LIMIT_FACTOR=0 is for load tests on one's own machine")
        return self


def _host_tokens(env: Mapping[str, str]) -> HostTokens:
    jwks = env.get("JWT_HOST_JWKS_FILE")
    tokens = HostTokens(
        algorithm=env.get("JWT_HOST_ALGORITHM", "HS256"),
        key=env.get("JWT_HOST_KEY", "").replace("\\n", "\n"),
        jwks_file=Path(jwks) if jwks else None,
        issuer=env.get("JWT_HOST_ISSUER") or None,
        audience=env.get("JWT_HOST_AUDIENCE") or None,
    )
    if tokens.algorithm not in {"HS256", "RS256", "ES256"}:
        raise ConfigError("JWT_HOST_ALGORITHM must be HS256, RS256 or ES256")
    return tokens


def _number(env: Mapping[str, str], name: str, default: float, *, least: float = 0) -> float:
    raw = env.get(name, "").strip()
    if not raw:
        return default
    try:
        value = float(raw)
    except ValueError:
        raise ConfigError(f"{name} must be a number, not {raw!r}") from None
    if not least <= value < float("inf"):
        raise ConfigError(f"{name} must be at least {least:g}")
    return value


def from_env(env: Mapping[str, str] | None = None) -> Config:
    """Read and check the settings that README's table names."""
    env = os.environ if env is None else env
    return Config(
        environment=env.get("APP_ENV", "development"),
        secret_key=env.get("SECRET_KEY") or DEVELOPMENT_SECRET,
        database_url=env.get("DATABASE_URL") or DEFAULT_DATABASE_URL,
        redis_url=env.get("REDIS_URL") or DEFAULT_REDIS_URL,
        data_dir=Path(env.get("DATA_DIR") or "var").absolute(),
        port=int(_number(env, "PORT", 8000)),
        web_concurrency=int(_number(env, "WEB_CONCURRENCY", 2, least=1)),
        allowed_origins=frozenset(o.strip() for o in env.get("ALLOWED_ORIGINS", "").split(",") if o.strip()),
        trusted_proxies=int(_number(env, "TRUSTED_PROXIES", 0)),
        rate_limit_factor=_number(env, "RATE_LIMIT_FACTOR", 1.0),
        host_tokens=_host_tokens(env),
        requires_worker=env.get("REQUIRES_WORKER", "") == "1",
        log_level=env.get("LOG_LEVEL", "INFO").upper(),
    ).checked()
