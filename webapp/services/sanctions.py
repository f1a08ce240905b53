"""What staff impose on an account; no call of the API leads here."""

from __future__ import annotations

from datetime import datetime

from webapp.core.errors import AppError, ErrorCode
from webapp.repositories import users
from webapp.services.unit_of_work import unit_of_work


def suspend(user_id: str, until: datetime) -> None:
    """Until then the account can do nothing; its open sockets close within a second."""
    _set_suspension(user_id, until)


def lift(user_id: str) -> None:
    """The account may be used again at once."""
    _set_suspension(user_id, None)


def _set_suspension(user_id: str, until: datetime | None) -> None:
    with unit_of_work() as uow:
        auth_rev = users.raise_auth_rev(user_id, suspended_until=until)
        if auth_rev is None:
            raise AppError(ErrorCode.user_not_found)
        uow.tell(user_id, auth_rev=auth_rev)
