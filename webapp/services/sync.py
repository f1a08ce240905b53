"""Catching up: every reader of a room's log asks the tables what changed after its cursor."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson

from webapp import presenters
from webapp.core import clock
from webapp.core.errors import AppError, ErrorCode
from webapp.core.ids import random_id
from webapp.domain import limits
from webapp.domain.permissions import Actor
from webapp.events import replay
from webapp.events import types as events
from webapp.events.publisher import LogEntry
from webapp.events.replay import ChangesView
from webapp.repositories import log, sessions, users
from webapp.repositories.log import AnyRow
from webapp.schemas.rooms import ChangesQuery
from webapp.schemas.sync import HelloRoomView, HelloView
from webapp.services import rooms
from webapp.services.limits import limits_view
from webapp.services.unit_of_work import reading, snapshot


@dataclass(frozen=True, slots=True)
class Membership:
    """A room that a socket follows: what fan-out must know to keep an event from its viewer."""

    room_id: UUID
    member_id: UUID
    visible_from: int
    hidden: frozenset[UUID]
    changed_seq: int


@dataclass(frozen=True, slots=True)
class Heads:
    """What the heads check compares: epoch, rooms' heads, people's (auth_rev, rooms_rev), and sessions that ended."""

    epoch: str
    rooms: dict[UUID, int]
    revisions: dict[str, tuple[int, int]]
    ended_sessions: frozenset[UUID]


def changes(actor: Actor, room_id: UUID, query: ChangesQuery) -> ChangesView:
    """What a member missed in one room, a page at a time."""
    with snapshot():
        place = log.places(actor.user_id, [room_id]).get(room_id)
        if place is None:
            raise AppError(ErrorCode.room_not_found)
        hidden = log.hidden(actor.user_id, [room_id]).get(room_id, frozenset())
        if _is_lost(place, query.after):
            return _lost(place)
        rows = log.changed({room_id: query.after}, query.limit + 1)[room_id]
        return _view(place, hidden, rows, query.after, query.limit)


def sync(actor: Actor, cursors: Mapping[UUID, int]) -> bytes:
    """What a client missed in many rooms, as encoded JSON, within the limits; what didn't fit is named in `more`.

    A room's changes come at once or `recovered: false` does; only bytes cut them, and then the room is in `more` too.
    """
    asked = dict(list(cursors.items())[: limits.SYNC_ROOMS])
    with snapshot():
        places = log.places(actor.user_id, list(asked))
        hidden = log.hidden(actor.user_id, list(places))
        behind = {
            room_id: cursor
            for room_id, cursor in asked.items()
            if room_id in places and not _is_lost(places[room_id], cursor) and cursor < places[room_id].last_seq
        }
        found = log.changed(behind, limits.CHANGES_PER_ROOM + 1) if behind else {}
        epoch = log.heads([])[0]
    answered: dict[str, Any] = {}
    more: list[UUID] = []
    spent_changes = spent_bytes = 0
    for room_id, cursor in asked.items():
        rows = found.get(room_id, [])
        encoded, amount, is_whole = _encoded(places.get(room_id), hidden.get(room_id, frozenset()), rows, cursor)
        spent_changes, spent_bytes = spent_changes + amount, spent_bytes + len(encoded)
        if answered and (spent_changes > limits.SYNC_CHANGES or spent_bytes > limits.SYNC_BYTES):
            break
        answered[str(room_id)] = orjson.Fragment(encoded)
        if not is_whole:
            more.append(room_id)
    more += [room_id for room_id in cursors if str(room_id) not in answered]
    return orjson.dumps({"rooms": answered, "more": more, "epoch": epoch})


def log_entries(room_id: UUID, cursor: int) -> tuple[list[LogEntry], int]:
    """For fan-out: what a room's log holds after a cursor, for every viewer alike, and through which number."""
    with snapshot() as now:
        room = log.rooms([room_id]).get(room_id)
        if room is None:
            return [], cursor
        rows = log.changed({room_id: cursor}, limits.CHANGES_PER_ROOM + 1)[room_id]
    sources = _in_order(room, rows, cursor)
    taken = sources[: limits.CHANGES_PER_ROOM]
    through = taken[-1].changed_seq if len(sources) > len(taken) else room.last_seq
    entries, last = [], cursor
    for row in taken:
        event = _event(room, row, last, cursor)
        entries.append(_entry(event, row))
        last = row.changed_seq
    for event in replay.closing(room_id, last, through, now):
        entries.append(LogEntry(event.seq, event.after, event.encoded()))
    return entries, through


def hello(actor: Actor) -> HelloView:
    """What a socket is told first: who it is, and its rooms with their heads and marks."""
    with snapshot():
        rows = log.recent(actor.user_id, limits.HELLO_ROOMS + 1)
        epoch = rows[0].epoch if rows else log.heads([])[0]
    shown = rows[: limits.HELLO_ROOMS]
    return HelloView(
        session_id=actor.session_id or random_id(),
        user_id=actor.user_id,
        epoch=epoch,
        heartbeat_ms=limits.HEARTBEAT_MS,
        max_frame=limits.FRAME_BYTES,
        limits=limits_view().model_dump(mode="json"),
        rooms=[_hello_room(row) for row in shown],
        next_cursor=rooms.list_cursor(shown[-1]) if len(rows) > len(shown) else None,
    )


def memberships(user_id: str) -> list[Membership]:
    """Every room that a user's sockets follow."""
    with reading():
        rows = log.recent(user_id, limits.ROOMS_PER_USER)
        hidden = log.hidden(user_id, [row.room_id for row in rows])
    return [
        Membership(
            row.room_id, row.member_id, row.visible_from_seq, hidden.get(row.room_id, frozenset()), row.changed_seq
        )
        for row in rows
    ]


def heads(room_ids: Sequence[UUID], user_ids: Sequence[str], session_ids: Sequence[UUID]) -> Heads:
    """One look at everything that this process's sockets depend on."""
    with reading():
        epoch, heads_of = log.heads(room_ids)
        return Heads(epoch, heads_of, users.revisions(user_ids), sessions.ended(session_ids))


def _is_lost(place: AnyRow, cursor: int) -> bool:
    """Retention went past the cursor, or the cursor is from another life of the database."""
    return not place.floor_rev <= cursor <= place.last_seq


def _lost(place: AnyRow) -> ChangesView:
    return ChangesView(
        changes=[], head_seq=place.last_seq, through_seq=place.last_seq, epoch=place.epoch, recovered=False
    )


def _view(place: AnyRow, hidden: frozenset[UUID], rows: list[AnyRow], cursor: int, limit: int) -> ChangesView:
    sources = _in_order(place, rows, cursor)
    taken = sources[:limit]
    through = taken[-1].changed_seq if len(sources) > limit else place.last_seq
    found: list[Any] = []
    last = cursor
    for row in taken:
        found.append(_event_for(place, hidden, row, last, cursor))
        last = row.changed_seq
    found.extend(replay.closing(place.room_id, last, through, clock.now()))
    return ChangesView.model_construct(
        changes=found, head_seq=place.last_seq, through_seq=through, epoch=place.epoch, recovered=True
    )


def _encoded(place: AnyRow | None, hidden: frozenset[UUID], rows: list[AnyRow], cursor: int) -> tuple[bytes, int, bool]:
    """A room of a sync: its answer, how many changes are in it, and whether that is all of them."""
    if place is None:
        return b'{"gone":true}', 0, True
    missed = len(rows) + (place.changed_seq > cursor)
    if _is_lost(place, cursor) or missed > limits.CHANGES_PER_ROOM:
        view = _lost(place)
    else:
        view = _view(place, hidden, rows, cursor, limits.CHANGES_PER_ROOM)
    encoded = [event.encoded() for event in view.changes]
    sizes = itertools.accumulate(len(each) for each in encoded)
    amount = max(1, sum(size <= limits.SYNC_BYTES for size in sizes))
    is_whole = amount >= len(encoded)
    through = view.through_seq if is_whole else view.changes[amount - 1].seq
    answer = {
        "changes": [orjson.Fragment(each) for each in encoded[:amount]],
        "head_seq": view.head_seq,
        "through_seq": through,
        "recovered": view.recovered,
    }
    return orjson.dumps(answer), min(amount, len(encoded)), is_whole


def _in_order(room: AnyRow, rows: list[AnyRow], cursor: int) -> list[AnyRow]:
    """Messages, members and the room's own row, by the numbers that they changed at."""
    return sorted([*rows, room], key=lambda row: row.changed_seq) if room.changed_seq > cursor else rows


def _event_for(place: AnyRow, hidden: frozenset[UUID], row: AnyRow, after: int, cursor: int) -> events.LoggedEvent:
    """The change as this viewer may see it; an old message or a hidden label is only a number."""
    if _is_message(row) and (row.seq < place.visible_from_seq or row.member_id in hidden):
        return replay.skip(place.room_id, row.changed_seq, after, row.updated_at)
    return _event(place, row, after, cursor)


def _event(room: AnyRow, row: AnyRow, after: int, cursor: int) -> events.LoggedEvent:
    """A row that changed after the cursor, as the event that brings a client up to date with it."""
    place: dict[str, Any] = {"room_id": room.room_id, "seq": row.changed_seq, "after": after}
    if _is_message(row):
        kind: type[events.LoggedEvent] = events.MessageUpdated
        if row.seq > cursor:
            kind = events.MessageCreated
        elif row.is_deleted:
            kind = events.MessageDeleted
        data = events.MessageData.model_construct(message=presenters.message(row))
        return kind.model_construct(**place, at=row.updated_at, data=data)
    if _is_member(row):
        member = events.MemberData(member=presenters.anonymous_member(row), directory_rev=room.directory_rev)
        return events.MemberUpdated(**place, at=clock.now(), data=member)
    settings = events.RoomData(room=presenters.room_settings(row))
    return events.RoomUpdated(**place, at=row.updated_at, data=settings)


def _entry(event: events.LoggedEvent, row: AnyRow) -> LogEntry:
    if _is_message(row):
        return LogEntry(event.seq, event.after, event.encoded(), born=row.seq, sender=row.member_id)
    leaver = row.member_id if _is_member(row) and not row.is_active else None
    return LogEntry(event.seq, event.after, event.encoded(), leaver=leaver)


def _is_message(row: AnyRow) -> bool:
    return "message_id" in row._fields


def _is_member(row: AnyRow) -> bool:
    return "role" in row._fields


def _hello_room(row: AnyRow) -> HelloRoomView:
    fields = {name: getattr(row, name) for name in HelloRoomView.model_fields if name != "head_seq"}
    return HelloRoomView(head_seq=row.last_seq, **fields)
