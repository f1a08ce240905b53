"""Catching up, tickets and limits."""

from __future__ import annotations

from uuid import UUID

from webapp.api.endpoint import bearer_token
from webapp.domain.permissions import Actor
from webapp.events.replay import ChangesView
from webapp.schemas.accounts import TicketView
from webapp.schemas.base import Empty, Encoded
from webapp.schemas.rooms import ChangesQuery
from webapp.schemas.sync import LimitsView
from webapp.services import limits as limits_service
from webapp.services import sync, tickets


def changes(actor: Actor, room_id: UUID, query: ChangesQuery) -> Encoded[ChangesView]:
    """What changed in a room after a cursor."""
    return sync.changes(actor, room_id, query)


def ticket(actor: Actor, body: Empty) -> TicketView:  # noqa: ARG001 - being signed in is the condition
    """A single-use credential for the socket."""
    return tickets.issue(bearer_token())


def limits() -> LimitsView:
    """Every number that a client may meet."""
    return limits_service.limits_view()
