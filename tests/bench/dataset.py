"""Bulk rows, made by SQL: people with sessions, rooms with members, and long logs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID, uuid4

import psycopg
from flask import Flask

from webapp.core import clock
from webapp.domain.permissions import Actor
from webapp.repositories.rooms import CONSUMERS
from webapp.services import tokens

# Rooms have ids in a row, so that a pgbench script can draw one of them by number.
ROOM_ID_SQL = "('019b0000-0000-7000-8000-' || lpad(to_hex({number}::bigint), 12, '0'))::uuid"
SPEECH = "오늘 저녁 일곱 시에 도서관 앞에서 만나요, 발표 자료는 제가 가져갈게요."


@dataclass(frozen=True)
class Person:
    """An account with a session; `token` signs it in."""

    actor: Actor
    token: str

    @property
    def user_id(self) -> str:
        return self.actor.user_id


@dataclass(frozen=True)
class Room:
    """A room, and the head of its log when it was made."""

    number: int
    head: int

    @property
    def room_id(self) -> str:
        return str(UUID(int=(0x019B0000_0000_7000_8000 << 48) | self.number))


class Dataset:
    """Everything that the works read and write; each takes people and rooms of its own."""

    def __init__(self, app: Flask, connection: psycopg.Connection[tuple[object, ...]]) -> None:
        self._app = app
        self._connection = connection
        self._rooms = 0
        self._people = 0

    def people(self, count: int) -> list[Person]:
        """New accounts with a session each."""
        numbers = range(self._people + 1, self._people + count + 1)
        self._people += count
        sessions = {f"bench-{n}": uuid4() for n in numbers}
        users = list(sessions)
        self._connection.execute(
            "INSERT INTO users (user_id, username, display_name)"
            " SELECT u, replace(u, '-', '_'), u FROM unnest(%s::text[]) u",
            [users],
        )
        self._connection.execute(
            "INSERT INTO sessions (session_id, user_id, last_used_at, expires_at)"
            " SELECT s, u, now(), now() + '1 day' FROM unnest(%s::uuid[], %s::text[]) AS given(s, u)",
            [list(sessions.values()), users],
        )
        with self._app.app_context():
            now = clock.now()
            return [
                Person(Actor(user, session, 0, "ko"), tokens.access_token(user, session, now))
                for user, session in sessions.items()
            ]

    def room(self, people: Sequence[Person], *, messages: int = 0) -> Room:
        """A room of these people whose log holds so many messages, in turn by its first five members."""
        self._rooms += 1
        room = Room(self._rooms, messages)
        given = {"room": room.room_id, "head": messages, "users": [p.user_id for p in people], "text": SPEECH}
        self._connection.execute(
            "INSERT INTO chat_rooms (room_id, room_type, room_name, visibility, last_seq, last_message_at)"
            " VALUES (%(room)s, 'team', 'bench', 'public', %(head)s, now())",
            given,
        )
        self._connection.execute(
            "INSERT INTO chat_members (member_id, room_id, user_id, as_of_seq)"
            " SELECT gen_random_uuid(), %(room)s, u, %(head)s FROM unnest(%(users)s::text[]) u",
            given,
        )
        self._connection.execute(
            "INSERT INTO room_cursors (room_id, consumer, seq)"
            " SELECT %(room)s, c, %(head)s FROM unnest(%(c)s::text[]) c",
            {**given, "c": list(CONSUMERS)},
        )
        if messages:
            self._connection.execute(_SPEAK, given)
        return room

    def settle(self) -> None:
        """Statistics as in a database that has run for a while, and nothing left to flush."""
        self._connection.execute("VACUUM (ANALYZE)")
        self._connection.execute("CHECKPOINT")


_SPEAK = """
WITH authors AS (
    SELECT member_id, user_id, row_number() OVER (ORDER BY user_id) - 1 AS place, least(5, count(*) OVER ()) AS amount
    FROM chat_members WHERE room_id = %(room)s
)
INSERT INTO chat_messages (message_id, room_id, seq, changed_seq, sender_id, member_id, content, client_message_id,
                           request_hash, created_at, updated_at)
SELECT uuidv7(), %(room)s, n, n, a.user_id, a.member_id, n || ' ' || %(text)s, gen_random_uuid(), '', at, at
FROM generate_series(1, %(head)s::bigint) n
JOIN authors a ON a.place = n %% a.amount
CROSS JOIN LATERAL (SELECT now() - (%(head)s - n) * interval '10 seconds' AS at) born
ORDER BY n
"""
