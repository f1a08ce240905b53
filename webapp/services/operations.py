"""What an operator does at a terminal: accounts by username, counters, and the epoch."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID

from pydantic import TypeAdapter, ValidationError

from webapp.core import clock
from webapp.core.errors import AppError, ErrorCode
from webapp.core.ids import random_id
from webapp.repositories import deployment, room_walk, users
from webapp.repositories.users import TakenError
from webapp.schemas.accounts import Locale, Username
from webapp.schemas.base import DisplayName
from webapp.services import accounts, sanctions, unread
from webapp.services.operator_errors import OperatorError
from webapp.services.unit_of_work import reading, unit_of_work

_ROOMS = 500
_USERNAME: TypeAdapter[str] = TypeAdapter(Username)
_DISPLAY_NAME: TypeAdapter[str] = TypeAdapter(DisplayName)


def create_user(username: str, display_name: str, locale: Locale) -> str:
    """A new account has no password; the code that is returned sets one, once and within an hour."""
    username = _checked(_USERNAME, "username", username)
    display_name = _checked(_DISPLAY_NAME, "display_name", display_name)
    try:
        with unit_of_work():
            users.add(str(random_id()), username=username, display_name=display_name, locale=locale)
    except TakenError:
        raise AppError(ErrorCode.username_taken) from None
    return accounts.make_reset_code(username)


def suspend_user(username: str, days: int) -> None:
    """For so many days the account can do nothing."""
    sanctions.suspend(_user_called(username), clock.now() + timedelta(days=days))


def lift_suspension(username: str) -> None:
    """The account may be used again at once."""
    sanctions.lift(_user_called(username))


def count_rooms() -> int:
    """How many rooms a recount of all will look at."""
    with reading():
        return room_walk.count()


def recount_rooms() -> Iterator[int]:
    """Each room's counters are counted anew, in a transaction of its own; how many were wrong in it."""
    after: UUID | None = None
    while True:
        with reading():
            page = room_walk.list_page(after, _ROOMS)
        if not page:
            return
        for room_id in page:
            yield unread.repair(room_id)
        after = page[-1]


def change_epoch() -> UUID:
    """After a restore every client and every process forgets what it had read of the former life."""
    epoch = random_id()
    with unit_of_work():
        deployment.change_epoch(epoch)
    return epoch


def _user_called(username: str) -> str:
    with reading():
        account = users.find_by_username(username.strip().lower())
    if account is None:
        raise AppError(ErrorCode.user_not_found)
    return account.user_id


def _checked(kind: TypeAdapter[str], name: str, value: str) -> str:
    try:
        return kind.validate_python(value)
    except ValidationError as error:
        raise OperatorError(f"{name} 값을 확인해 주세요", f"{name}: {error.errors()[0]['msg']}") from None
