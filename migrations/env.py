"""Migrations beside live traffic: one at a time, and none waits long for a lock."""

from __future__ import annotations

from alembic import context
from flask import current_app
from sqlalchemy import text

from webapp.models import Base

MIGRATION_LOCK = 0x666F6375


def run() -> None:
    """Run the wanted migrations, each in its own transaction, under an advisory lock."""
    engine = current_app.extensions["migrate"].db.engine
    with engine.connect() as connection:
        connection.execute(text("SET lock_timeout = '5s'"))
        connection.execute(text("SET statement_timeout = '10min'"))
        connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": MIGRATION_LOCK})
        connection.commit()
        context.configure(
            connection=connection,
            target_metadata=Base.metadata,
            transaction_per_migration=True,
            compare_type=True,
            compare_server_default=False,
        )
        with context.begin_transaction():
            context.run_migrations()
        connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": MIGRATION_LOCK})
        connection.commit()


run()
