"""Rules of reactions: the summary that a message carries of who chose which emoji."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from webapp.core.errors import AppError, ErrorCode
from webapp.domain import limits

Summary = Mapping[str, Any]


def refuse_another(summary: Summary, emoji: str) -> None:
    """A message carries at most fifty distinct emoji; one that is there may always be chosen by more members."""
    if emoji not in summary and len(summary) >= limits.DISTINCT_REACTIONS:
        raise AppError(ErrorCode.limit_reached, {"distinct_reactions": limits.DISTINCT_REACTIONS})


def with_reaction(summary: Summary, emoji: str, member_id: UUID) -> dict[str, Any]:
    """The summary after one more member chose an emoji; the first fifty are named."""
    former = summary.get(emoji, {"count": 0, "member_ids": []})
    shown = [*former["member_ids"], str(member_id)][: limits.REACTORS_SHOWN]
    return {**summary, emoji: {"count": former["count"] + 1, "member_ids": shown}}


def with_reactors(summary: Summary, emoji: str, count: int, first: list[UUID]) -> dict[str, Any]:
    """The summary with an emoji counted anew; one that nobody chooses any more goes."""
    others = {key: value for key, value in summary.items() if key != emoji}
    if count == 0:
        return others
    # In its old place among the others.
    counted = {"count": count, "member_ids": [str(member_id) for member_id in first]}
    return {key: counted if key == emoji else value for key, value in summary.items()}
