"""Rules of accounts: which passwords are refused, and how a person of the host product is called at first sight."""

from __future__ import annotations

import re
from datetime import timedelta
from functools import lru_cache
from pathlib import Path

from webapp.core.errors import refused_field
from webapp.core.text import normalised
from webapp.domain import limits

USERNAME = re.compile(r"[a-z0-9_.]{3,30}")
USER_ID_LENGTH = 255
RESET_CODE_LIFETIME = timedelta(hours=1)
_COMMON_PASSWORDS = Path(__file__).with_name("common_passwords.txt")


def refuse_common_password(password: str, field: str) -> None:
    """A password is refused only when it is on the list of common ones, whatever the case of its letters."""
    if password.lower() in _common_passwords():
        raise refused_field(field, "common_password", "is one of the most common passwords")


def is_user_id(text: str) -> bool:
    """Whether some account could have this id: 1 to 255 characters that can be stored and seen."""
    try:
        normalised(text)
    except ValueError:
        return False
    return bool(text.strip()) and len(text) <= USER_ID_LENGTH


def host_display_name(name: str | None, user_id: str) -> str:
    """The host's name for a person, cut to our length; without a usable one the beginning of the id."""
    try:
        name = " ".join(normalised(name or "").split())
    except ValueError:
        name = ""
    return (name or user_id.strip())[: limits.DISPLAY_NAME_LENGTH].strip()


@lru_cache(maxsize=1)
def _common_passwords() -> frozenset[str]:
    return frozenset(_COMMON_PASSWORDS.read_text(encoding="utf-8").split())
