"""The unread counter: a consumer of every room's log, which it may read twice, late or in pieces."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from webapp.core import metrics
from webapp.events.publisher import MarkUpdate
from webapp.integrations import tasks
from webapp.repositories import cursors, read_marks, rooms
from webapp.services.unit_of_work import UnitOfWork, reading, unit_of_work

SWEEP = 2_000


def advance(room_id: UUID) -> int:
    """Bring a room's counters to its head, effect and cursor in one transaction; how many members changed."""
    with unit_of_work() as uow:
        cursor = cursors.lock(room_id, rooms.UNREAD)
        room = rooms.find(room_id)
        if room is None or cursor.seq >= room.last_seq:
            return 0
        low, high = cursor.seq, room.last_seq
        changed, threads = read_marks.changed_rows(room_id, low, high)
        touched = dict(read_marks.add_born(room_id, room.room_type, low, high))
        if changed is not None:
            touched |= read_marks.recount_behind(room_id, room.room_type, changed, high)
        if threads:
            read_marks.recount_threads(threads)
        cursor.seq, cursor.updated_at = high, uow.now
        _tell(uow, room_id, touched)
    metrics.unread_advanced.inc()
    return len(touched)


def repair(room_id: UUID) -> int:
    """Recount a room up to its cursor; how many members' counters had drifted (0 unless something is broken)."""
    with unit_of_work() as uow:
        cursor = cursors.lock(room_id, rooms.UNREAD)
        room = rooms.find(room_id)
        if room is None:
            return 0
        touched = read_marks.recount_room(room_id, room.room_type, cursor.seq)
        _tell(uow, room_id, touched)
    return len(touched)


def sweep() -> int:
    """Queue every room whose head is past its cursor; covers marks that were lost with a process or a broker."""
    with reading():
        lagging = cursors.lagging(rooms.UNREAD, limit=SWEEP)
    ids = [str(room_id) for room_id in lagging]
    for start in range(0, len(ids), tasks.ROOMS_PER_TASK):
        tasks.send("workers.unread.advance", ids[start : start + tasks.ROOMS_PER_TASK])
    return len(ids)


def _tell(uow: UnitOfWork, room_id: UUID, touched: dict[UUID, read_marks.Marks]) -> None:
    if touched:
        uow.signal(room_id, MarkUpdate({str(member_id): dict(marks) for member_id, marks in touched.items()}))


def advance_all(room_ids: Iterable[UUID]) -> None:
    """Advance several rooms, each in a transaction of its own."""
    for room_id in room_ids:
        advance(room_id)
