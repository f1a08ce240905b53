"""Catching up: every reader of a room's log asks the tables what changed after its cursor."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
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
from webapp.events.replay import ChangesView, Replayed
from webapp.repositories import log, sessions, users
from webapp.repositories.log import Missed
from webapp.schemas.base import Encoded
from webapp.schemas.rooms import ChangesQuery
from webapp.schemas.sync import HelloRoomView, HelloView
from webapp.services import rooms
from webapp.services.limits import limits_view
from webapp.services.unit_of_work import reading

# A message, a member or the room's own row, as JSON holds it.
AnyRow = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Membership:
    """A room that a socket follows: what fan-out must know to keep an event from its viewer."""

    room_id: UUID
    member_id: UUID
    visible_from: int
    hidden: frozenset[UUID]
    changed_seq: int


@dataclass(frozen=True, slots=True)
class Standing:
    """What an account's sockets depend on as of one instant: its rooms with their revision, and its receipts."""

    rooms_rev: int
    shows_receipts: bool
    memberships: list[Membership]


@dataclass(frozen=True, slots=True)
class Heads:
    """What the heads check compares: epoch, rooms' heads, people's (auth_rev, rooms_rev), and sessions that ended."""

    epoch: str
    rooms: dict[UUID, int]
    revisions: dict[str, tuple[int, int]]
    ended_sessions: frozenset[UUID]


@dataclass(frozen=True, slots=True)
class _Answer:
    """What a viewer missed in a room, up to a number."""

    changes: list[Replayed]
    head_seq: int
    through_seq: int
    recovered: bool


def changes(actor: Actor, room_id: UUID, query: ChangesQuery) -> Encoded[ChangesView]:
    """What a member missed in one room, a page at a time."""
    missed = log.missed(actor.user_id, {room_id: query.after}, query.limit + 1).get(room_id)
    if missed is None:
        raise AppError(ErrorCode.room_not_found)
    found = _lost(missed) if missed.room["is_lost"] else _answer(missed, query.limit)
    view = {
        "changes": [orjson.Fragment(each.encoded) for each in found.changes],
        "head_seq": found.head_seq,
        "through_seq": found.through_seq,
        "epoch": missed.room["epoch"],
        "recovered": found.recovered,
    }
    return Encoded(ChangesView, orjson.dumps(view))


def sync(actor: Actor, cursors: Mapping[UUID, int]) -> bytes:
    """What a client missed in many rooms, as encoded JSON, within the limits; what didn't fit is named in `more`.

    A room's changes come at once or `recovered: false` does; only bytes cut them, and then the room is in `more` too.
    """
    asked = dict(list(cursors.items())[: limits.SYNC_ROOMS])
    found = log.missed(actor.user_id, asked, limits.CHANGES_PER_ROOM + 1)
    epoch = next((missed.room["epoch"] for missed in found.values()), None) or log.heads([])[0]
    answered: dict[str, Any] = {}
    more: list[UUID] = []
    spent_changes = spent_bytes = 0
    for room_id in asked:
        encoded, amount, is_whole = _encoded(found.get(room_id))
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
    missed = log.missed_by_all(room_id, cursor, limits.CHANGES_PER_ROOM + 1)
    if missed is None:
        return [], cursor
    sources = _in_order(missed)
    taken = sources[: limits.CHANGES_PER_ROOM]
    through = taken[-1]["changed_seq"] if len(sources) > len(taken) else missed.room["last_seq"]
    entries, last = [], cursor
    for row in taken:
        entries.append(_entry(missed.room, row, last))
        last = row["changed_seq"]
    for event in replay.closing(room_id, last, through, clock.now()):
        entries.append(LogEntry(event.seq, event.after, event.encoded()))
    return entries, through


def hello(actor: Actor) -> HelloView:
    """What a socket is told first: who it is, and its rooms with their heads and marks."""
    rows = log.recent(actor.user_id, limits.HELLO_ROOMS + 1)
    shown = rows[: limits.HELLO_ROOMS]
    return HelloView(
        session_id=actor.session_id or random_id(),
        user_id=actor.user_id,
        epoch=rows[0].epoch if rows else log.heads([])[0],
        heartbeat_ms=limits.HEARTBEAT_MS,
        max_frame=limits.FRAME_BYTES,
        limits=limits_view().model_dump(mode="json"),
        rooms=[HelloRoomView(**{name: getattr(row, name) for name in HelloRoomView.model_fields}) for row in shown],
        next_cursor=rooms.list_cursor(shown[-1]) if len(rows) > len(shown) else None,
    )


def standing(user_id: str) -> Standing:
    """Every room that a user's sockets follow, and what else they depend on."""
    rooms_rev, shows_receipts, followed = log.followed(user_id, limits.ROOMS_PER_USER)
    memberships = [
        Membership(row.room_id, row.member_id, row.visible_from_seq, frozenset(row.hidden), row.changed_seq)
        for row in followed
    ]
    return Standing(rooms_rev, shows_receipts, memberships)


def room_heads(room_ids: Sequence[UUID]) -> dict[UUID, int]:
    """The last number of each room."""
    return log.heads(room_ids)[1]


def heads(room_ids: Sequence[UUID], user_ids: Sequence[str], session_ids: Sequence[UUID]) -> Heads:
    """One look at everything that this process's sockets depend on."""
    epoch, heads_of = log.heads(room_ids)
    with reading():
        return Heads(epoch, heads_of, users.revisions(user_ids), sessions.ended(session_ids))


def _lost(missed: Missed) -> _Answer:
    """Retention went past the cursor, the cursor is from another life of the database, or it is too far behind."""
    return _Answer([], missed.room["last_seq"], missed.room["last_seq"], recovered=False)


def _answer(missed: Missed, limit: int) -> _Answer:
    room = missed.room
    sources = _in_order(missed)
    taken = sources[:limit]
    through = taken[-1]["changed_seq"] if len(sources) > limit else room["last_seq"]
    hidden = frozenset(room["hidden"])
    found: list[Replayed] = []
    last = room["cursor"]
    for row in taken:
        seq = row["changed_seq"]
        found.append(Replayed(seq, _event_for(room, hidden, row, last)))
        last = seq
    found.extend(
        Replayed(event.seq, event.encoded()) for event in replay.closing(room["room_id"], last, through, clock.now())
    )
    return _Answer(found, room["last_seq"], through, recovered=True)


def _encoded(missed: Missed | None) -> tuple[bytes, int, bool]:
    """A room of a sync: its answer, how many changes are in it, and whether that is all of them."""
    if missed is None:
        return b'{"gone":true}', 0, True
    amount_missed = len(missed.changed) + _is_room_changed(missed)
    if missed.room["is_lost"] or amount_missed > limits.CHANGES_PER_ROOM:
        found = _lost(missed)
    else:
        found = _answer(missed, limits.CHANGES_PER_ROOM)
    sizes = itertools.accumulate(len(each.encoded) for each in found.changes)
    amount = max(1, sum(size <= limits.SYNC_BYTES for size in sizes))
    is_whole = amount >= len(found.changes)
    answer = {
        "changes": [orjson.Fragment(each.encoded) for each in found.changes[:amount]],
        "head_seq": found.head_seq,
        "through_seq": found.through_seq if is_whole else found.changes[amount - 1].seq,
        "recovered": found.recovered,
    }
    return orjson.dumps(answer), min(amount, len(found.changes)), is_whole


def _in_order(missed: Missed) -> list[AnyRow]:
    """Messages, members and the room's own row, by the numbers that they changed at."""
    rows = [*missed.changed, missed.room] if _is_room_changed(missed) else missed.changed
    return sorted(rows, key=itemgetter("changed_seq"))


def _is_room_changed(missed: Missed) -> bool:
    return bool(missed.room["changed_seq"] > missed.room["cursor"])


def _event_for(room: AnyRow, hidden: frozenset[str], row: AnyRow, after: int) -> bytes:
    """The change as this viewer may see it; an old message or a hidden label is only a number."""
    if _is_message(row) and (row["seq"] < room["visible_from_seq"] or row["member_id"] in hidden):
        return replay.skip(room["room_id"], row["changed_seq"], after, row["updated_at"]).encoded()
    return _event(room, row, after)


def _event(room: AnyRow, row: AnyRow, after: int) -> bytes:
    """A row that changed after the cursor, as the event that brings a client up to date with it."""
    if _is_message(row):
        return replay.message(presenters.message_as_json(row), after, is_new=row["seq"] > room["cursor"])
    place: dict[str, Any] = {"room_id": room["room_id"], "seq": row["changed_seq"], "after": after}
    if _is_member(row):
        member = events.MemberData(member=presenters.anonymous_member(row), directory_rev=room["directory_rev"])
        return events.MemberUpdated(**place, at=clock.now(), data=member).encoded()
    settings = events.RoomData(room=presenters.room_settings(row))
    return events.RoomUpdated(**place, at=row["updated_at"], data=settings).encoded()


def _entry(room: AnyRow, row: AnyRow, after: int) -> LogEntry:
    payload = _event(room, row, after)
    member_id = UUID(row["member_id"]) if row.get("member_id") else None
    if _is_message(row):
        return LogEntry(row["changed_seq"], after, payload, born=row["seq"], sender=member_id)
    leaver = member_id if _is_member(row) and not row["is_active"] else None
    return LogEntry(row["changed_seq"], after, payload, leaver=leaver)


def _is_message(row: AnyRow) -> bool:
    return "message_id" in row


def _is_member(row: AnyRow) -> bool:
    return "role" in row
