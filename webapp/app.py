"""create_app(): the one place where the parts of a process are put together."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import orjson
from flask import Flask, Request
from flask.json.provider import JSONProvider
from flask.sessions import SessionInterface
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.middleware.proxy_fix import ProxyFix

from webapp import api, cli, health, realtime
from webapp.api import errors, requests
from webapp.config import Config, from_env
from webapp.core import logging as json_logging
from webapp.core.extensions import HOT, celery, db, jwt, migrate, redis, sock
from webapp.domain import limits
from webapp.models import Base
from workers import celery_app

SESSION_SETTINGS = (
    "-c timezone=UTC -c statement_timeout=15000 -c lock_timeout=5000 -c idle_in_transaction_session_timeout=30000"
)


class OrjsonProvider(JSONProvider):
    """Flask's JSON through orjson."""

    def dumps(self, obj: Any, **_: Any) -> str:
        return orjson.dumps(obj, option=orjson.OPT_UTC_Z).decode()

    def loads(self, s: str | bytes, **_: Any) -> Any:
        return orjson.loads(s)


class NoSession(SessionInterface):
    """No cookies: who asks is told by a token."""

    def open_session(self, app: Flask, request: Request) -> None:  # noqa: ARG002 - Flask's signature
        return None


def create_app(config: Config | None = None) -> Flask:
    """An application bound to one configuration; opens no connection and starts nothing."""
    config = config or from_env()
    json_logging.configure(config.log_level)
    app = Flask(__name__, static_folder=None)
    app.json = OrjsonProvider(app)
    app.session_interface = NoSession()
    app.config.update(_settings(config))
    # A user id may hold any character, two slashes in a row too.
    app.url_map.merge_slashes = False
    if config.trusted_proxies:
        hops = config.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]
    for extension in (db, jwt, redis, sock):
        extension.init_app(app)
    app.teardown_appcontext(_give_back_session)
    migrate.init_app(app, db, directory="migrations", metadata=Base.metadata)
    celery_app.configure(celery, app, config)
    requests.register(app)
    errors.register(app)
    api.register(app)
    health.register(app)
    realtime.register(app)
    cli.register(app)
    return app


def _give_back_session(_: BaseException | None) -> None:
    """Runs before Flask-SQLAlchemy's own teardown: a server that died meanwhile must not cost the client its answer."""
    try:
        db.session.remove()
    except SQLAlchemyError:
        db.session.registry.clear()


def _settings(config: Config) -> dict[str, Any]:
    return {
        "FOCUSMATE": config,
        "SECRET_KEY": config.secret_key,
        "PROVIDE_AUTOMATIC_OPTIONS": False,
        "MAX_CONTENT_LENGTH": limits.BODY_BYTES,
        "REDIS_URL": config.redis_url,
        "JWT_SECRET_KEY": config.secret_key,
        "JWT_ALGORITHM": "HS256",
        "JWT_DECODE_ALGORITHMS": ["HS256"],
        # Two web hosts may be a little out of step; expiry itself is checked against our own clock.
        "JWT_DECODE_LEEWAY": 30,
        "JWT_ACCESS_TOKEN_EXPIRES": timedelta(seconds=config.access_token_seconds),
        "JWT_REFRESH_TOKEN_EXPIRES": timedelta(seconds=config.refresh_token_seconds),
        "SQLALCHEMY_DATABASE_URI": sqlalchemy_url(config.database_url),
        "SQLALCHEMY_ENGINE_OPTIONS": _engine_options(pool_size=30),
        "SQLALCHEMY_BINDS": {
            HOT: {
                "url": sqlalchemy_url(config.database_url),
                **_engine_options(
                    pool_size=15,
                    isolation_level="AUTOCOMMIT",
                    pool_reset_on_return=None,
                    settings="-c default_transaction_read_only=on -c plan_cache_mode=force_generic_plan",
                ),
            }
        },
    }


def _engine_options(*, settings: str = "", **options: Any) -> dict[str, Any]:
    """Bounded pools, waits and statements; no overflow, since a connection that is thrown away costs a handshake."""
    return {
        "hide_parameters": True,
        "max_overflow": 0,
        "pool_timeout": 5,
        "pool_recycle": 1800,
        "json_serializer": lambda value: orjson.dumps(value).decode(),
        "json_deserializer": orjson.loads,
        "connect_args": {"connect_timeout": 3, "options": f"{SESSION_SETTINGS} {settings}"},
        **options,
    }


def sqlalchemy_url(url: str) -> str:
    """A plain PostgreSQL address, for SQLAlchemy's psycopg 3 driver."""
    scheme, _, rest = url.partition("://")
    return f"postgresql+psycopg://{rest}" if scheme in {"postgresql", "postgres"} else url
