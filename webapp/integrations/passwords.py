"""Argon2id, outside of the gevent loop: a hash takes tens of milliseconds, in which nobody else would be served."""

from __future__ import annotations

import secrets
import unicodedata
from collections.abc import Callable
from functools import lru_cache
from typing import ParamSpec, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from gevent import monkey
from gevent.threadpool import ThreadPool

P = ParamSpec("P")
T = TypeVar("T")

# OWASP's recommendation for Argon2id; a process holds at most THREADS times this memory at once.
MEMORY_KIB = 19 * 1024
THREADS = 2

_hasher = PasswordHasher(time_cost=2, memory_cost=MEMORY_KIB, parallelism=1)


def hashed(password: str) -> str:
    """The hash to store."""
    return _off_loop(_hasher.hash, _form(password))


def matches(stored: str | None, password: str) -> bool:
    """Whether the password belongs to the hash; takes as long when there is none, so that time tells no usernames."""
    is_right = _off_loop(_verify, stored or _nobodys_hash(), _form(password))
    return is_right and stored is not None


def is_outdated(stored: str) -> bool:
    """Whether a hash was made with other parameters than today's."""
    return _hasher.check_needs_rehash(stored)


def _verify(stored: str, password: str) -> bool:
    try:
        return _hasher.verify(stored, password)
    except (VerificationError, InvalidHashError):
        return False


def _form(password: str) -> str:
    # One keyboard composes Korean syllables where another sends jamo.
    return unicodedata.normalize("NFKC", password)


@lru_cache(maxsize=1)
def _nobodys_hash() -> str:
    return _off_loop(_hasher.hash, secrets.token_hex())


@lru_cache(maxsize=1)
def _threads() -> ThreadPool:
    return ThreadPool(THREADS)


def _off_loop(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    if not monkey.is_module_patched("socket"):
        return work(*args, **kwargs)
    return _threads().apply(work, args, kwargs)
