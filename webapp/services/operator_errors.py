"""What a command tells its operator when something can't be done: one line in both languages."""

from __future__ import annotations


class OperatorError(Exception):
    """A refusal that no client of the API can meet, so it has no code."""

    def __init__(self, korean: str, english: str) -> None:
        super().__init__(f"{korean} · {english}")
