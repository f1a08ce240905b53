"""Tickets: a socket's credential for thirty seconds and one use, so that no token stands in an address."""

from __future__ import annotations

import hashlib

from redis.exceptions import RedisError

from webapp.core.errors import AppError, ErrorCode
from webapp.core.extensions import redis
from webapp.core.ids import random_token
from webapp.domain import limits
from webapp.schemas.accounts import TicketView


def issue(access_token: str) -> TicketView:
    """A ticket that stands for this access token; 503 while Redis is away (`?token=` works then)."""
    ticket = random_token()
    try:
        redis.client.set(_key(ticket), access_token.encode(), ex=limits.TICKET_SECONDS)
    except (RedisError, OSError):
        raise AppError(ErrorCode.unavailable, retry_after_ms=1_000) from None
    return TicketView(ticket=ticket, expires_in=limits.TICKET_SECONDS)


def redeem(ticket: str) -> str:
    """The access token behind a ticket, once."""
    try:
        token = redis.client.getdel(_key(ticket))
    except (RedisError, OSError):
        raise AppError(ErrorCode.unavailable) from None
    if not isinstance(token, bytes):
        raise AppError(ErrorCode.not_found)
    return token.decode()


def _key(ticket: str) -> str:
    return "ticket:" + hashlib.sha256(ticket.encode()).hexdigest()
