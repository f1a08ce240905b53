"""A line of a file of messages, on its way in and out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict

from webapp.schemas.base import Prose, View
from webapp.schemas.messages import Content

KOREA = timezone(timedelta(hours=9))
_FIRST = datetime(1970, 1, 1, tzinfo=UTC)


def _in_utc(value: datetime) -> datetime:
    """A time without a zone is meant as Korean time, as exports of Korean messengers mean it."""
    try:
        moment = (value if value.tzinfo is not None else value.replace(tzinfo=KOREA)).astimezone(UTC)
    except OverflowError:
        raise ValueError("is out of range") from None
    if moment < _FIRST:
        raise ValueError("must be 1970 or later")
    return moment


Reference = Annotated[str, Prose(255, least=1, lines=False)]


class ImportedLine(BaseModel):
    """`room` and `author` are names or ids. What else stands in a line is passed over."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    room: Reference
    author: Reference
    time: Annotated[datetime, AfterValidator(_in_utc)]
    text: Content


class ExportedLine(View):
    """What an import reads, and where the message stood; in a blind room the author is a label."""

    room: str
    author: str
    time: datetime
    text: str
    seq: int
    message_id: UUID
    thread_id: UUID | None
    reply_to_id: UUID | None
