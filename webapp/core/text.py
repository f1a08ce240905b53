"""Text at the door: Korean normalised to NFC, nothing that PostgreSQL or a reader can't hold."""

from __future__ import annotations

import re
import unicodedata

# NUL can't be stored; other C0/C1 controls have no meaning in a message except tab and line breaks.
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_SURROGATES = re.compile(r"[\ud800-\udfff]")


def normalised(text: str) -> str:
    """NFC with unified line breaks; a lone surrogate or a control character is a ValueError."""
    if _SURROGATES.search(text):
        raise ValueError("lone surrogates are not text")
    text = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n"))
    if _CONTROLS.search(text):
        raise ValueError("control characters are not allowed")
    return text
