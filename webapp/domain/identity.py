"""The one decision of who may know who is behind a member."""

from __future__ import annotations

LABEL_ONLY = 0
DEPARTMENT_AND_GRADE = 1
DISPLAY_NAME = 2
FULL_PROFILE = 3


def visible_level(*, display_mode: str, revealed: int = LABEL_ONLY) -> int:
    """Everything in an open room; in a blind room only what was revealed to this viewer, oneself being no exception."""
    if display_mode == "open":
        return FULL_PROFILE
    return revealed


def is_blind(display_mode: str) -> bool:
    """Anything but an open room is blind, so that a mode unknown here masks."""
    return display_mode != "open"
