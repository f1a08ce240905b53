"""Unread counters, brought to the heads of rooms that moved."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from webapp.core.extensions import celery
from webapp.services import read_state, unread


@celery.task(name="workers.unread.advance")
def advance(room_ids: Sequence[str]) -> None:
    """Advance these rooms; a room that is done costs one query."""
    unread.advance_all(UUID(room_id) for room_id in room_ids)


@celery.task(name="workers.unread.publish_blind_reads")
def publish_blind_reads() -> None:
    """The tick at which blind rooms learn of reads."""
    read_state.publish_blind_reads()
