"""Fixtures of all tests: one PostgreSQL and one Valkey a run, a cloned database a test process, empty tables a test."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from flask import Flask
from flask.testing import FlaskClient
from flask_migrate import upgrade

from tests import services_of_run
from tests.services_of_run import TEMPLATE, create_database, redis_number
from webapp.app import create_app
from webapp.config import Config
from webapp.core.extensions import redis

MIGRATIONS = str(Path(__file__).parents[1] / "migrations")
TEST_SECRET = "a-secret-of-the-tests-that-is-long-enough"


@dataclass(frozen=True)
class Backing:
    """Where this test process's database and Redis are."""

    database_url: str
    redis_url: str


def pytest_configure(config: pytest.Config) -> None:
    """Start the run's servers once, in the process that steers the others."""
    if not hasattr(config, "workerinput") and not config.option.collectonly and not config.option.help:
        config.stash[_SERVICES] = services_of_run.start()
        _make_template(config.stash[_SERVICES])


def pytest_configure_node(node: pytest.Item) -> None:
    """Tell a test process of pytest-xdist where the servers are."""
    services = node.config.stash[_SERVICES]
    node.workerinput["postgres"], node.workerinput["redis"] = services.postgres, services.redis  # type: ignore[attr-defined]


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop what was started."""
    services = config.stash.get(_SERVICES, None)
    if services is not None:
        services.stop()


_SERVICES = pytest.StashKey[services_of_run.RunServices]()


def _make_template(services: services_of_run.RunServices) -> None:
    url = create_database(services.postgres, TEMPLATE)
    app = create_app(Config(database_url=url, redis_url=services.redis, secret_key=TEST_SECRET))
    with app.app_context():
        upgrade(MIGRATIONS)
        from webapp.core.extensions import db

        db.engine.dispose()


@pytest.fixture(scope="session")
def backing(request: pytest.FixtureRequest, worker_id: str) -> Backing:
    """This process's own clone of the migrated template, and its own Redis database."""
    given = getattr(request.config, "workerinput", None)
    services = request.config.stash.get(_SERVICES, None)
    postgres = given["postgres"] if given else services.postgres  # type: ignore[union-attr]
    redis_url = given["redis"] if given else services.redis  # type: ignore[union-attr]
    number = int(worker_id[2:]) + 1 if worker_id.startswith("gw") else 0
    return Backing(
        create_database(postgres, f"focusmate_{worker_id}", template=TEMPLATE), redis_number(redis_url, number)
    )


@pytest.fixture(scope="session")
def application(backing: Backing) -> Flask:
    """One application a test process; rate limits are off, and tested where they are the subject."""
    return create_app(
        Config(
            database_url=backing.database_url,
            redis_url=backing.redis_url,
            secret_key=TEST_SECRET,
            rate_limit_factor=0,
            log_level="ERROR",
        )
    )


@pytest.fixture
def app(application: Flask, backing: Backing) -> Flask:
    """The application over empty tables."""
    empty_tables(backing.database_url)
    with application.app_context():
        redis.client.flushdb()
    return application


@pytest.fixture
def context(app: Flask) -> Iterator[Flask]:
    """The application with its context pushed, for tests that call services."""
    with app.app_context():
        yield app


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """An HTTP client of the application, in this process."""
    return app.test_client()


def empty_tables(database_url: str) -> None:
    """Remove all rows but the epoch's."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        tables = connection.execute(
            "SELECT string_agg(quote_ident(tablename), ', ') FROM pg_tables "
            "WHERE schemaname = 'public' AND tablename NOT IN ('alembic_version', 'deployment')"
        ).fetchone()
        assert tables is not None
        connection.execute(f"TRUNCATE {tables[0]} RESTART IDENTITY CASCADE")
