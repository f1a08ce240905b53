"""The database as a whole: its schema's revision and its epoch."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import text, update

from webapp.core.extensions import db
from webapp.models.deployment import Deployment


def revision() -> str | None:
    """The migration that the database is at."""
    return db.session.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none()


def change_epoch(epoch: UUID) -> None:
    """Begin another life: every client and process forgets its cursors."""
    db.session.execute(update(Deployment).values(epoch=epoch))
