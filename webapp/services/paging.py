"""Opaque cursors of lists: where a page ended, in a form that a client only hands back."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from datetime import datetime
from typing import Any

import orjson

from webapp.core.errors import refused_field


def encode_cursor(*parts: object) -> str:
    """The place after which the next page begins; UUIDs and times travel as text."""
    return base64.urlsafe_b64encode(orjson.dumps(parts)).decode().rstrip("=")


def decode_cursor(raw: str, *kinds: Callable[[Any], Any]) -> list[Any]:
    """The parts of a cursor that we made, each read by its kind (`UUID`, `moment`, `str`, …); anything else is a 422.

    Without kinds the parts come as JSON has them.
    """
    try:
        parts = orjson.loads(base64.b64decode(raw + "=" * (-len(raw) % 4), altchars=b"-_", validate=True))
        return _read(parts, kinds)
    except (ValueError, TypeError, AttributeError, OverflowError, binascii.Error):
        raise refused_field("cursor", "unknown_cursor", "is not one that was given out") from None


def moment(value: str) -> datetime:
    """A kind: a time with its zone."""
    time = datetime.fromisoformat(value)
    if time.tzinfo is None:
        raise ValueError("a time needs its zone")
    return time


def _read(parts: object, kinds: tuple[Callable[[Any], Any], ...]) -> list[Any]:
    if not isinstance(parts, list) or (kinds and len(parts) != len(kinds)):
        raise ValueError("not a list of the right length")
    for part in parts:
        # What the database can't hold would fail there, as a fault of ours.
        if (isinstance(part, str) and "\x00" in part) or (isinstance(part, int) and not -(2**63) <= part < 2**63):
            raise ValueError("not a part of ours")
    return [kind(part) for kind, part in zip(kinds, parts, strict=True)] if kinds else parts
