"""The PostgreSQL and Valkey that a test run shares: the embedded ones, or those that TEST_*_URL name."""

from __future__ import annotations

import os
import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

from webapp.embedded.postgres import start_postgres
from webapp.embedded.processes import Server
from webapp.embedded.valkey import start_valkey

TEMPLATE = "focusmate_template"


@dataclass
class RunServices:
    """Addresses of the run's servers, and what must be stopped at its end."""

    postgres: str
    redis: str
    servers: list[Server] = field(default_factory=list)
    folder: Path | None = None

    def stop(self) -> None:
        """End what this run started and remove its files."""
        for server in self.servers:
            server.stop()
        if self.folder is not None:
            shutil.rmtree(self.folder, ignore_errors=True)


def start() -> RunServices:
    """Start, or find, PostgreSQL and Valkey."""
    postgres, redis = os.environ.get("TEST_DATABASE_URL"), os.environ.get("TEST_REDIS_URL")
    folder = Path(tempfile.mkdtemp(prefix="focusmate-tests-"))
    run = RunServices(postgres or "", redis or "", folder=folder)
    if not postgres:
        server = start_postgres(folder / "postgres", fsync=False, settings={"max_connections": "400"})
        run.servers.append(server)
        run.postgres = server.url
    if not redis:
        valkey = start_valkey(folder / "valkey")
        run.servers.append(valkey)
        run.redis = valkey.url
    return run


def database(url: str, name: str) -> str:
    """The same server's database of this name."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(path=f"/{name}"))


def redis_number(url: str, number: int) -> str:
    """The same server's database of this number."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(path=f"/{number}"))


def create_database(url: str, name: str, *, template: str | None = None) -> str:
    """Make a database anew, as a copy of a template where one is named; its URL."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
        create = sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name))
        if template is not None:
            create += sql.SQL(" TEMPLATE {} STRATEGY wal_log").format(sql.Identifier(template))
        connection.execute(create)
    return database(url, name)
