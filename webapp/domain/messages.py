"""Rules of messages: what makes two sends the same, who may change what until when, and whom a text may mention."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
import regex

from webapp.core.errors import AppError, ErrorCode, refused_field
from webapp.domain import limits

# A mention starts at an @ (also full-width) that doesn't continue a word, as an e-mail address does.
_AT = regex.compile(r"(?<![\p{L}\p{N}_.])[@＠]")
_LATIN_PAIR = regex.compile(r"[A-Za-z0-9_]{2}")
# UTS #51: a flag, a keycap, or a sign with a skin tone, a variation selector or tags; several may be joined.
_SIGN = (
    r"(?:\p{RI}\p{RI}|[0-9#*]\ufe0f\u20e3|"
    r"[\p{Emoji}--[\p{RI}\p{EMod}0-9#*]](?:\p{EMod}|\ufe0f|[\U000e0020-\U000e007e]+\U000e007f)?)"
)
_EMOJI = regex.compile(rf"{_SIGN}(?:\u200d{_SIGN})*", regex.VERSION1)
_SELECTOR = regex.compile(r"[\ufe0e\ufe0f]")
# Where the full form has a selector: after a sign that is drawn as text by default, unless a skin tone follows.
_NEEDS_SELECTOR = regex.compile(
    r"([\p{Emoji}--[\p{Emoji_Presentation}0-9#*]](?!\p{EMod})|[0-9#*](?=\u20e3))", regex.VERSION1
)


def request_hash(body: Mapping[str, Any]) -> bytes:
    """A digest of what a send asks for; equal for a repeat, different for another body."""
    canonical = orjson.dumps(body, option=orjson.OPT_SORT_KEYS)
    return hashlib.blake2b(canonical, digest_size=16).digest()


def refuse_unless_own(author: UUID | None, member_id: UUID) -> None:
    """A member edits and deletes only what is theirs; nobody edits a system message."""
    if author != member_id:
        raise AppError(ErrorCode.permission_denied)


def refuse_late_edit(created_at: datetime, now: datetime) -> None:
    """A member may edit a message for fifteen minutes."""
    if now - created_at > limits.EDIT_WINDOW:
        raise AppError(ErrorCode.edit_window_passed, {"edit_window_seconds": int(limits.EDIT_WINDOW.total_seconds())})


def accepted_emoji(text: str) -> str:
    """One emoji in its full form, so that the same sign with and without a variation selector is one."""
    full: str = _NEEDS_SELECTOR.sub("\\1\ufe0f", _SELECTOR.sub("", text[: 2 * limits.EMOJI_LENGTH]))
    if len(text) > limits.EMOJI_LENGTH or len(full) > limits.EMOJI_LENGTH or not _EMOJI.fullmatch(full):
        raise refused_field("emoji", "not_emoji", "must be one emoji")
    return full


def mention_candidates(content: str) -> list[list[str]]:
    """For each @ in the text, the names that could stand there, longest first.

    Korean particles follow a name without a space (`@민수가`), so every prefix up to the line's end is a candidate,
    but none that cuts a Latin word or a number (`@A12` is not `@A1`).
    """
    places = []
    for match in _AT.finditer(content):
        line = content[match.end() : match.end() + limits.DISPLAY_NAME_LENGTH].split("\n", maxsplit=1)[0]
        prefixes = [line[:end] for end in range(len(line), 0, -1) if line[end - 1] != " " and not _cuts_word(line, end)]
        if prefixes:
            places.append(prefixes)
        if len(places) == limits.MENTIONS:
            break
    return places


def _cuts_word(line: str, end: int) -> bool:
    return _LATIN_PAIR.fullmatch(line, end - 1, end + 1) is not None


def resolved_mentions(places: list[list[str]], known: Mapping[str, UUID]) -> list[UUID]:
    """At each place the longest known name counts; everyone once, in order of appearance."""
    found: dict[UUID, None] = {}
    for prefixes in places:
        name = next((prefix for prefix in prefixes if prefix in known), None)
        if name is not None:
            found[known[name]] = None
    return list(found)


def mentions_everyone(places: list[list[str]]) -> bool:
    """`@전체` and `@all` stand for the room; a longer Latin word such as `@allen` doesn't."""
    return any(_is_everyone(prefixes) for prefixes in places)


def _is_everyone(prefixes: Collection[str]) -> bool:
    longest = max(prefixes, key=len)
    if longest.startswith("전체"):
        return True
    return regex.match(r"all(?![A-Za-z0-9_.])", longest, regex.IGNORECASE) is not None
