"""The one error that a person at a terminal sees."""

from __future__ import annotations


class StartError(RuntimeError):
    """Why something could not start, said in Korean and in English."""

    def __init__(self, korean: str, english: str) -> None:
        super().__init__(english)
        self.korean = korean
        self.english = english

    def __str__(self) -> str:
        return f"{self.korean}\n{self.english}"
