"""deployment: the one row that tells one life of the database from another."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import CheckConstraint
from sqlalchemy.orm import Mapped, mapped_column

from webapp.models.base import Base


class Deployment(Base):
    """`epoch` is random and is changed by every restore from a backup, so that clients forget their cursors."""

    __tablename__ = "deployment"
    __table_args__ = (CheckConstraint("only_row", name="only_row"),)

    only_row: Mapped[bool] = mapped_column(primary_key=True)
    epoch: Mapped[UUID]
