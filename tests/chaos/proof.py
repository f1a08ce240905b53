"""At rest: what must hold, each property with all that contradicts it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
from flask import Flask

from tests.chaos.device import FIELDS, Step
from tests.chaos.ledger import Said
from tests.chaos.member import Member
from tests.chaos.world import Place, World, secrets_of
from tests.factories import TestUser
from tests.realtime.chat_client import Json, Room
from tests.realtime.processes import Web
from webapp.services import unread

Rows = dict[str, Json]
Compared = dict[str, tuple[Any, ...]]

_VISIBLE_FROM = "SELECT room_id, user_id, visible_from_seq FROM chat_members"
_NUMBERS = """
SELECT r.room_id, r.last_seq, r.changed_seq,
       array(SELECT changed_seq FROM chat_messages WHERE room_id = r.room_id),
       array(SELECT changed_seq FROM chat_members WHERE room_id = r.room_id),
       array(SELECT seq FROM chat_messages WHERE room_id = r.room_id)
FROM chat_rooms r
"""
# Written anew on purpose: one row at a time, as one would explain it.
_UNREAD = """
SELECT m.room_id::text, m.member_id::text, m.unread_count, (
    SELECT count(*) FROM chat_messages x WHERE x.room_id = m.room_id AND x.thread_id IS NULL AND NOT x.is_deleted
    AND x.message_type <> 'system' AND x.member_id <> m.member_id
    AND x.seq > m.last_read_seq AND x.seq >= m.visible_from_seq)
FROM chat_members m WHERE m.is_active
"""
_UNREAD_IN_THREADS = """
SELECT t.thread_id::text, t.member_id::text, t.unread_count, (
    SELECT count(*) FROM chat_messages x WHERE x.thread_id = t.thread_id AND NOT x.is_deleted
    AND x.member_id <> t.member_id AND x.seq > t.last_read_seq)
FROM thread_reads t
"""


class Proof:
    """The history as the server's pages tell it, and everything that is held against it."""

    def __init__(
        self,
        world: World,
        members: list[Member],
        fronts: Sequence[Web],
        app: Flask,
        database_url: str,
        logs: list[Path],
    ) -> None:
        self.world, self.members, self.fronts = world, members, fronts
        self.app, self.database_url, self.logs = app, database_url, logs
        self.facts: list[str] = []
        self.histories: dict[UUID, Rows] = {}
        self.threads: dict[UUID, Rows] = {}
        self.visible_from: dict[tuple[UUID, str], int] = {}

    def verdicts(self) -> dict[str, list[str]]:
        """Every property with its violations."""
        properties: dict[str, Callable[[], Iterable[str]]] = {
            "both web processes tell every member one history": self._read_histories,
            "every acknowledged message is in it exactly once": self._once,
            "every acknowledged edit, deletion and reaction holds": self._changes_hold,
            "every client shows what the history shows": self._clients,
            "every number belongs to one row or was superseded": self._numbers,
            "unread counters equal a recount": self._unread,
            "nobody of the blind room was told to the others": self._leaks,
            "nobody of the blind room is named in a log": self._logs,
        }
        return {name: list(violations()) for name, violations in properties.items()}

    # -- the history

    def _read_histories(self) -> Iterator[str]:
        with psycopg.connect(self.database_url) as connection:
            for room_id, user_id, seq in connection.execute(_VISIBLE_FROM):
                self.visible_from[room_id, user_id] = seq
        for place in self.world.places:
            first, second = place.people[0], place.people[-1]
            one = _pages(self.fronts[0], first, f"/chats/rooms/{place.room_id}/messages")
            other = _pages(self.fronts[1], second, f"/chats/rooms/{place.room_id}/messages")
            if self._seen(one, place, second) != other:
                yield f"{place.kind} {place.room_id}: {_difference(one, other)}"
            self.histories[place.room_id] = one
            self.threads[place.room_id] = {}
            for root_id in sorted({said.thread_id for said in self._said() if said.thread_id} & one.keys()):
                path = f"/chats/rooms/{place.room_id}/messages/{root_id}/thread"
                replies = _pages(self.fronts[0], first, path)
                self.threads[place.room_id] |= replies
                alive = sum(not reply["is_deleted"] for reply in replies.values())
                if one[root_id]["reply_count"] != alive:
                    yield f"{root_id} counts {one[root_id]['reply_count']} replies of {alive}"
        self.facts.append(f"{sum(map(len, self.histories.values()))} messages in {len(self.histories)} rooms")

    def _seen(self, rows: Rows, place: Place, user: TestUser) -> Rows:
        """What a member may see of what the owner sees."""
        return {key: row for key, row in rows.items() if row["seq"] >= self.visible_from[place.room_id, user.user_id]}

    def _rows(self, room_id: UUID) -> Rows:
        return self.histories[room_id] | self.threads[room_id]

    def _once(self) -> Iterator[str]:
        rows = [row for room_id in self.histories for row in self._rows(room_id).values()]
        by_id = {row["message_id"]: row for row in rows}
        # What was said first is different in every message of a run.
        times = Counter(_unedited(row["content"]) for row in rows)
        for said in self._said():
            if said.message_id is not None:
                yield from _told_otherwise(said, by_id.get(said.message_id), times[said.content])
            elif said.refusal is None:
                yield f"was never acknowledged: {said}"
            elif times[said.content]:
                yield f"was refused and is there: {said}"
        known = {said.message_id for said in self._said()}
        for row in rows:
            if row["message_type"] != "system" and row["message_id"] not in known:
                yield f"nobody was told of {row}"

    def _changes_hold(self) -> Iterator[str]:
        for said in self._said():
            row = self._rows(said.room_id).get(said.message_id or "")
            if row is None:
                continue
            if row["is_deleted"] != said.is_deleted and not (row["is_deleted"] and said.maybe_deleted):
                yield f"is {'' if row['is_deleted'] else 'not '}deleted: {said}"
            if not row["is_deleted"] and row["content"] not in said.possible_contents:
                yield f"says {row['content']!r}: {said}"
        for member in self.members:
            yield from self._reactions_of(member)

    def _reactions_of(self, member: Member) -> Iterator[str]:
        for (room_id, message_id, emoji), chosen in member.ledger.chosen.items():
            row = self._rows(room_id).get(message_id)
            room = member.device.rooms.get(str(room_id))
            if row is not None and room is not None and not row["is_deleted"]:
                there = row["reactions"].get(emoji, {"member_ids": []})["member_ids"]
                if (room.member_id in there) not in chosen.possible:
                    yield f"{emoji} of {room.member_id} on {message_id} in {room_id} is of {there}, but {chosen}"

    def _clients(self) -> Iterator[str]:
        for member in self.members:
            if member.device.too_early:
                yield f"{member.name} was told before hello: {member.device.too_early[:2]}"
            for place in member.places:
                room = member.device.rooms.get(str(place.room_id))
                if room is None:
                    yield f"{member.name} doesn't have {place.kind} {place.room_id}"
                else:
                    yield from self._shown(member, place, room)
        compared = sum(len(room.rows) for member in self.members for room in member.device.rooms.values())
        self.facts.append(f"{compared} messages in {len(self.members)} clients")

    def _shown(self, member: Member, place: Place, room: Room) -> Iterator[str]:
        shown = _compared(row for row in room.messages if row["thread_id"] is None)
        history = _compared(self._seen(self.histories[place.room_id], place, member.user).values())
        if list(shown.items()) != list(history.items()):
            yield f"{member.name} in {place.kind} {place.room_id}: {_difference(history, shown)}"
            yield from _way_past(member.device.trail[room.room_id], history, shown)
        replies = _compared(row for row in room.messages if row["thread_id"] is not None)
        stored = _compared(self._seen(self.threads[place.room_id], place, member.user).values())
        # Who has reloaded a room has read its timeline alone.
        if not (replies.items() <= stored.items() if room.reloads else replies == stored):
            yield f"{member.name} in threads of {place.room_id}: {_difference(stored, replies)}"
            yield from [] if room.reloads else _way_past(member.device.trail[room.room_id], stored, replies)

    # -- numbers and counters

    def _numbers(self) -> Iterator[str]:
        superseded = taken = 0
        with psycopg.connect(self.database_url) as connection:
            rooms = connection.execute(_NUMBERS).fetchall()
        for room_id, head, room_seq, messages, members, born in rooms:
            # Who was there before the first number has none.
            current = [seq for seq in (*messages, *members, room_seq) if seq]
            owned = {*current, *born}
            # A message that was changed since keeps the number of its birth too, so it belongs to no other row.
            if twice := _repeated(current) + _repeated(born) + sorted({*current} & ({*born} - {*messages})):
                yield f"{room_id}: numbers with two rows: {twice[:10]}"
            if not owned <= set(range(1, head + 1)) or (head and head not in current):
                yield f"{room_id}: the head is {head}, the last row {max(owned, default=0)}"
            gone = head - len(owned)
            taken, superseded = taken + head, superseded + gone
            asked = sum(member.ledger.numbers.get(room_id, 0) for member in self.members)
            if gone > asked:
                yield f"{room_id}: {gone} of {head} numbers have no row, but only {asked} changes were asked for"
        self.facts.append(f"{taken} numbers, {superseded} of them superseded")

    def _unread(self) -> Iterator[str]:
        with self.app.app_context():
            for place in self.world.places:
                if drifted := unread.repair(place.room_id):
                    yield f"repair found {drifted} members of {place.kind} {place.room_id}"
        with psycopg.connect(self.database_url) as connection:
            for statement in (_UNREAD, _UNREAD_IN_THREADS):
                for where, member_id, counted, recounted in connection.execute(statement):
                    if counted != recounted:
                        yield f"{where}: {member_id} has {counted}, a recount {recounted}"

    # -- secrets

    def _leaks(self) -> Iterator[str]:
        for member in self.members:
            for leak in set(member.device.leaks):
                yield f"{member.name} was told {leak}"

    def _logs(self) -> Iterator[str]:
        secrets = [secret.encode() for user in self.world.veiled for secret in secrets_of(user)]
        for log in self.logs:
            for line in log.read_bytes().splitlines():
                if any(secret in line for secret in secrets):
                    yield f"{log.name}: {line.decode(errors='replace')[:300]}"

    def _said(self) -> Iterator[Said]:
        for member in self.members:
            yield from member.ledger.said


def _pages(web: Web, user: TestUser, path: str) -> Rows:
    """A timeline or thread, page by page from its newest end; oldest first."""
    pages: list[list[Json]] = []
    before = ""
    while True:
        page = web.call(user, "GET", f"{path}?limit=100{before}")
        pages.insert(0, page["messages"])
        if not page["has_more_before"]:
            break
        before = f"&before_seq={page['messages'][0]['seq']}"
    rows = [row for page in pages for row in page]
    assert len({row["message_id"] for row in rows}) == len(rows), f"{path} shows a message on two pages"
    return {row["message_id"]: row for row in rows}


def _told_otherwise(said: Said, row: Json | None, times: int) -> Iterator[str]:
    """What contradicts an acknowledgement."""
    if row is None:
        yield f"is lost: {said}"
    elif row["seq"] != said.seq:
        yield f"was acknowledged with another number than {row['seq']}: {said}"
    elif times != (not row["is_deleted"]):
        yield f"is there {times} times: {said}"


def _compared(rows: Iterable[Json]) -> Compared:
    return {row["message_id"]: tuple(row[name] for name in FIELDS if name != "changed_seq") for row in rows}


def _unedited(content: str) -> str:
    return re.sub(r" edited \d+$", "", content)


def _difference(one: dict[str, Any], other: dict[str, Any]) -> str:
    missing = [one[key] for key in one if key not in other]
    extra = [other[key] for key in other if key not in one]
    differing = [(one[key], other[key]) for key in one if key in other and one[key] != other[key]]
    order = "" if missing or extra or differing else " in another order"
    return (
        f"{len(missing)} missing {missing[:2]}, {len(extra)} too many {extra[:2]}, "
        f"{len(differing)} differing {differing[:2]}{order}"
    )


def _way_past(trail: Iterable[Step], history: Compared, shown: Compared) -> Iterator[str]:
    """How the client's cursor moved past the first message that it lacks."""
    lacks = {row[1]: key for key, row in history.items() if key not in shown}
    if lacks:
        seq = min(lacks)
        steps = [tuple(step) for step in trail if step.before - 3 < seq <= step.last + 6 or step.about == lacks[seq]]
        yield f"  its way past {seq} ({lacks[seq]}): {steps}"


def _repeated(numbers: list[int]) -> list[int]:
    return [number for number, count in Counter(numbers).items() if count > 1]
