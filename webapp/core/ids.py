"""Identifiers: time-ordered ones where order helps the index, random ones where order would tell a secret."""

from __future__ import annotations

import os
import secrets
from uuid import UUID, uuid4

from webapp.core import clock

CODE_ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"


def time_ordered_id() -> UUID:
    """UUIDv7 (RFC 9562): 48 bits of Unix milliseconds, then 74 random bits. For rooms and messages."""
    milliseconds = int(clock.now().timestamp() * 1000)
    random_bits = int.from_bytes(os.urandom(10), "big")
    value = (milliseconds & ((1 << 48) - 1)) << 80
    value |= 0x7 << 76
    value |= (random_bits >> 68) << 64
    value |= 0b10 << 62
    value |= random_bits & ((1 << 62) - 1)
    return UUID(int=value)


def random_id() -> UUID:
    """UUIDv4, for members, files and tickets: a time-ordered member id would tell who joined when."""
    return uuid4()


def random_token(size: int = 32) -> str:
    """A secret of `size` random bytes, safe in URLs."""
    return secrets.token_urlsafe(size)


def invitation_code() -> str:
    """Ten characters without look-alikes (49 bits), to be read aloud and typed."""
    return "".join(secrets.choice(CODE_ALPHABET) for _ in range(10))
