"""Scheduled upkeep: counters are checked against a recount, and what is long over is removed, in bounded batches."""

from __future__ import annotations

import logging
from datetime import timedelta

from webapp.core import metrics
from webapp.repositories import leftovers
from webapp.services import unread
from webapp.services.unit_of_work import reading, unit_of_work

log = logging.getLogger(__name__)

ROOMS_CHECKED = 200
LEFTOVERS = 5_000
DRAFT_AGE = timedelta(days=90)
# Ended sign-ins and used codes stay a while, so that a reused token is still told from an unknown one.
ENDED_AGE = timedelta(days=7)


def check_counters() -> int:
    """Recount the rooms that moved most recently; what had drifted is repaired, counted as a metric, and told."""
    with reading():
        room_ids = leftovers.recently_active_rooms(ROOMS_CHECKED)
    repaired = sum(unread.repair(room_id) for room_id in room_ids)
    if repaired:
        metrics.unread_repaired.inc(repaired)
        log.warning("unread counters had drifted", extra={"members": repaired})
    return repaired


def expire_leftovers() -> int:
    """Remove sessions and codes that ended, spent invitations, and drafts that nobody came back to."""
    removed = 0
    for remove in (leftovers.remove_sessions, leftovers.remove_reset_codes, leftovers.remove_invitations):
        with unit_of_work() as uow:
            removed += remove(uow.now - ENDED_AGE, LEFTOVERS)
    with unit_of_work() as uow:
        removed += leftovers.remove_drafts(uow.now - DRAFT_AGE, LEFTOVERS)
    return removed
