"""Rules of polls: what a member may choose until when, and the counts that a poll carries."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from webapp.core.errors import AppError, ErrorCode, refused_field

OPEN_AT_MOST = timedelta(days=365)

Poll = Mapping[str, Any]


def new_poll(question: str, options: Sequence[str], *, is_multiple: bool, closes_at: datetime | None) -> dict[str, Any]:
    """A poll that nobody has voted in; its options are numbered from 1."""
    return {
        "question": question,
        "options": [{"option_id": number, "text": text, "count": 0} for number, text in enumerate(options, start=1)],
        "is_multiple": is_multiple,
        "closes_at": None if closes_at is None else closes_at.isoformat(),
        "voter_count": 0,
    }


def refuse_closing_time(closes_at: datetime | None, now: datetime) -> None:
    """A poll closes in the future, within a year, or never."""
    if closes_at is not None and not now < closes_at <= now + OPEN_AT_MOST:
        raise refused_field("closes_at", "out_of_range", "must be in the future and within a year")


def refuse_closed(poll: Poll, now: datetime) -> None:
    """Nobody votes after the closing time."""
    closes_at = poll["closes_at"]
    if closes_at is not None and datetime.fromisoformat(closes_at) <= now:
        raise AppError(ErrorCode.poll_closed, {"closes_at": closes_at})


def chosen(poll: Poll, option_ids: Collection[int]) -> frozenset[int]:
    """The options that a vote names: known ones, and one at most unless the poll allows several."""
    choice = frozenset(option_ids)
    if choice - {option["option_id"] for option in poll["options"]}:
        raise refused_field("option_ids", "unknown_option", "must be options of the poll")
    if len(choice) > 1 and not poll["is_multiple"]:
        raise refused_field("option_ids", "too_many", "only one option may be chosen")
    return choice


def recounted(poll: Poll, former: frozenset[int], choice: frozenset[int]) -> dict[str, Any]:
    """The poll after one member's choice took the place of the former one."""
    return {
        **poll,
        "options": [
            {**option, "count": option["count"] + (option["option_id"] in choice) - (option["option_id"] in former)}
            for option in poll["options"]
        ],
        "voter_count": poll["voter_count"] + bool(choice) - bool(former),
    }
