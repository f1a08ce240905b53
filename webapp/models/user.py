"""users: accounts. Imported by the repositories `users` and `identities` only, so that no query can join a name in."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, Index, String, func, text
from sqlalchemy.orm import Mapped, mapped_column

from webapp.models.base import Base, CreatedAt


class User(Base):
    """A person. `auth_rev` rises with every revocation, `rooms_rev` with every room joined or left."""

    __tablename__ = "users"
    __table_args__ = (
        Index("uq_users_username", "username", unique=True),
        Index("uq_users_email", func.lower(text("email")), unique=True),
    )

    user_id: Mapped[str] = mapped_column(String(255), primary_key=True)
    username: Mapped[str | None] = mapped_column(String(30))
    email: Mapped[str | None] = mapped_column(String(255))
    password_hash: Mapped[str | None]
    display_name: Mapped[str] = mapped_column(String(40))
    avatar_url: Mapped[str | None] = mapped_column(String(500))
    locale: Mapped[str] = mapped_column(String(5), server_default="ko")
    school: Mapped[str | None] = mapped_column(String(80))
    department: Mapped[str | None] = mapped_column(String(80))
    grade: Mapped[str | None] = mapped_column(String(10))
    gender: Mapped[str | None] = mapped_column(String(10))
    shows_receipts: Mapped[bool] = mapped_column(server_default=text("true"))
    shows_presence: Mapped[bool] = mapped_column(server_default=text("true"))
    auth_rev: Mapped[int] = mapped_column(BigInteger, server_default="0")
    rooms_rev: Mapped[int] = mapped_column(BigInteger, server_default="0")
    suspended_until: Mapped[datetime | None]
    created_at: Mapped[CreatedAt]
    erased_at: Mapped[datetime | None]
