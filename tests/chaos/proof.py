"""At rest: what must hold, each property with all that contradicts it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
from flask import Flask

from tests.chaos.device import FIELDS
from tests.chaos.ledger import Said
from tests.chaos.member import Member
from tests.chaos.world import Place, World, secrets_of
from tests.factories import TestUser
from tests.realtime.chat_client import Json
from tests.realtime.processes import Web
from webapp.services import unread

Rows = dict[str, Json]

_NUMBERS = """
SELECT r.room_id::text, r.last_seq, r.changed_seq, array(SELECT changed_seq FROM chat_messages WHERE room_id = r.room_id),
       array(SELECT changed_seq FROM chat_members WHERE room_id = r.room_id), array(SELECT seq FROM chat_messages WHERE room_id = r.room_id)
FROM chat_rooms r
"""
# Written anew on purpose: one row at a time, as one would explain it.
_UNREAD = """
SELECT m.room_id::text, m.member_id::text, m.unread_count, (
    SELECT count(*) FROM chat_messages x WHERE x.room_id = m.room_id AND x.thread_id IS NULL AND NOT x.is_deleted
    AND x.message_type <> 'system' AND x.member_id <> m.member_id AND x.seq > m.last_read_seq AND x.seq >= m.visible_from_seq)
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
        self, world: World, members: list[Member], fronts: list[Web], app: Flask, database_url: str, logs: list[Path]
    ) -> None:
        self.world, self.members, self.fronts = world, members, fronts
        self.app, self.database_url, self.logs = app, database_url, logs
        self.facts: list[str] = []
        self.histories: dict[UUID, Rows] = {}
        self.threads: dict[UUID, Rows] = {}

    def verdicts(self) -> Iterator[tuple[str, list[str]]]:
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
        for name, violations in properties.items():
            yield name, list(violations())

    # -- the history

    def _read_histories(self) -> Iterator[str]:
        for place in self.world.places:
            first, second = place.people[0], place.people[-1]
            one = _pages(self.fronts[0], first, f"/chats/rooms/{place.room_id}/messages")
            other = _pages(self.fronts[1], second, f"/chats/rooms/{place.room_id}/messages")
            if one != other:
                yield f"{place.kind} {place.room_id}: {_difference(one, other)}"
            self.histories[place.room_id] = one
            self.threads[place.room_id] = {}
            for root in one.values():
                path = f"/chats/rooms/{place.room_id}/messages/{root['message_id']}/thread"
                if root["thread_id"] is None and root.get("reply_count"):
                    self.threads[place.room_id] |= _pages(self.fronts[0], first, path)
        self.facts.append(f"{sum(map(len, self.histories.values()))} messages in {len(self.histories)} rooms")

    def _rows(self, room_id: UUID) -> Rows:
        return self.histories[room_id] | self.threads[room_id]

    def _once(self) -> Iterator[str]:
        first_words = {
            room_id: Counter(_unedited(row["content"]) for row in self._rows(room_id).values())
            for room_id in self.histories
        }
        for said in self._said():
            row = self._rows(said.room_id).get(said.message_id or "")
            times = first_words[said.room_id][said.content]
            if said.message_id is None:
                if said.refusal is None:
                    yield f"was never acknowledged: {said}"
                if times > (said.refusal is None):
                    yield f"was refused and is there, or is there {times} times: {said}"
            elif row is None:
                yield f"is lost: {said}"
            elif row["seq"] != said.seq:
                yield f"was acknowledged with another number than {row['seq']}: {said}"
            elif times != (not row["is_deleted"]):
                yield f"is there {times} times: {said}"
        known = {said.message_id for said in self._said()}
        for room_id in self.histories:
            for row in self._rows(room_id).values():
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
            for (room_id, message_id, emoji), chosen in member.ledger.chosen.items():
                row = self._rows(room_id).get(message_id)
                me = member.device.rooms[str(room_id)].member_id
                if row is not None and not row["is_deleted"]:
                    is_there = me in row["reactions"].get(emoji, {"member_ids": []})["member_ids"]
                    if is_there not in chosen.possible:
                        yield f"{emoji} of {me} on {message_id} in {room_id} is there: {is_there}, but {chosen}"

    def _clients(self) -> Iterator[str]:
        compared = 0
        for member in self.members:
            for place in member.places:
                room = member.device.rooms.get(str(place.room_id))
                if room is None:
                    yield f"{member.name} doesn't have {place.kind} {place.room_id}"
                    continue
                shown = {row["message_id"]: _compared(row) for row in room.messages if row["thread_id"] is None}
                history = {key: _compared(row) for key, row in self.histories[place.room_id].items()}
                if list(shown.items()) != list(history.items()):
                    yield f"{member.name} in {place.kind} {place.room_id}: {_difference(history, shown)}"
                replies = {row["message_id"]: _compared(row) for row in room.messages if row["thread_id"] is not None}
                stored = {key: _compared(row) for key, row in self.threads[place.room_id].items()}
                # Who has reloaded a room has read its timeline alone.
                if not (replies.items() <= stored.items() if room.reloads else replies == stored):
                    yield f"{member.name} in threads of {place.room_id}: {_difference(stored, replies)}"
                compared += len(shown) + len(replies)
        self.facts.append(f"{compared} messages in {len(self.members)} clients")

    # -- numbers and counters

    def _numbers(self) -> Iterator[str]:
        superseded = taken = 0
        with psycopg.connect(self.database_url) as connection:
            rooms = connection.execute(_NUMBERS).fetchall()
        for room_id, last_seq, room_seq, messages, members, born in rooms:
            # A member who was there from the beginning keeps the number of the room as it then was.
            current = Counter([*messages, *[seq for seq in members if seq], *[seq for seq in [room_seq] if seq]])
            owners = set(current) | set(born)
            twice = [seq for seq, count in current.items() if count > 1] + _repeated(born)
            strangers = set(born) - set(messages)
            asked = sum(member.ledger.numbers.get(UUID(room_id), 0) for member in self.members)
            gone = last_seq - len(owners)
            taken, superseded = taken + last_seq, superseded + gone
            if twice:
                yield f"{room_id}: numbers with two rows: {twice[:10]}"
            if not owners <= set(range(1, last_seq + 1)) or (last_seq and last_seq not in current):
                yield f"{room_id}: the head is {last_seq}, the last row {max(owners, default=0)}"
            if set(current) & strangers:
                yield f"{room_id}: a row took a number that another was born with: {set(current) & strangers}"
            replies = sum(said.thread_id is not None for said in self._said() if str(said.room_id) == room_id)
            # A newcomer's first membership takes a number that the next one supersedes, a reply one for its root.
            if gone > asked + replies + len(members) + 2:
                yield f"{room_id}: {gone} of {last_seq} numbers have no row, but only {asked} changes were asked for"
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


def _compared(row: Json) -> tuple[Any, ...]:
    return tuple(row[name] for name in FIELDS if name != "changed_seq")


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


def _repeated(numbers: list[int]) -> list[int]:
    return [number for number, count in Counter(numbers).items() if count > 1]


__all__ = ["Place", "Proof"]
