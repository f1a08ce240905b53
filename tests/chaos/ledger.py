"""What a member has asked for and was told, so that the history can be held against it."""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import UUID, uuid4


@dataclass(slots=True)
class Said:
    """A message that a member wants in a room, and what may be true of it in the end.

    A change without an answer may have happened, may not, or may still: both outcomes stay possible.
    """

    room_id: UUID
    content: str
    thread_id: str | None = None
    client_message_id: str = field(default_factory=lambda: str(uuid4()))
    message_id: str | None = None
    seq: int = 0
    refusal: str | None = None
    last_content: str = ""
    maybe_contents: set[str] = field(default_factory=set)
    is_deleted: bool = False
    maybe_deleted: bool = False

    @property
    def possible_contents(self) -> set[str]:
        return {self.last_content or self.content} | self.maybe_contents


@dataclass(slots=True)
class Chosen:
    """A member's reaction: the last state that was acknowledged, and those that may have come about."""

    is_there: bool = False
    maybe: set[bool] = field(default_factory=set)

    @property
    def possible(self) -> set[bool]:
        return {self.is_there} | self.maybe


@dataclass(slots=True)
class Ledger:
    """All that one member said and did. `numbers` bounds how many log numbers changes of rows may have taken."""

    said: list[Said] = field(default_factory=list)
    chosen: dict[tuple[UUID, str, str], Chosen] = field(default_factory=dict)
    numbers: dict[UUID, int] = field(default_factory=dict)

    def spend(self, room_id: UUID, numbers: int) -> None:
        """A change that takes up to so many numbers was asked for."""
        self.numbers[room_id] = self.numbers.get(room_id, 0) + numbers
