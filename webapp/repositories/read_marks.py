"""Unread and mention counts: one statement that counts a stretch of a room's log for any number of members.

A stretch is (low, high]. What counts in it for a member: messages of the timeline past the member's mark and view, by
somebody else, neither system messages nor deleted nor hidden; mentions count in threads too. The timeline's numbers
are collected once and each member's place in them is found by bisection (width_bucket), so the cost is the length of
the stretch plus the number of members, not their product.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import TextClause, text, update

from webapp.core.extensions import db
from webapp.models.member import Member

_STRETCH = """
WITH stretch AS MATERIALIZED (
    SELECT seq, member_id, thread_id, mentions, mentions_all FROM chat_messages
    WHERE room_id = :room_id AND {numbers} AND message_type <> 'system' AND NOT is_deleted
), place AS MATERIALIZED (
    SELECT member_id, user_id, greatest(last_read_seq, visible_from_seq - 1) AS mark FROM chat_members
    WHERE room_id = :room_id AND is_active {whom}
), unseen AS MATERIALIZED (
    SELECT member_id, member_id AS author FROM place
    UNION
    SELECT p.member_id, o.member_id FROM place p
    JOIN blocks b ON b.blocker_id = p.user_id AND b.member_id IS NOT NULL
    JOIN chat_members o ON o.room_id = :room_id
                       AND (o.member_id = b.member_id OR (:is_direct AND o.user_id = b.blocked_id))
    WHERE :hides
), line AS (
    SELECT coalesce(array_agg(seq ORDER BY seq), '{{}}') AS numbers FROM stretch WHERE thread_id IS NULL
), excluded AS (
    SELECT p.member_id, count(*) AS amount FROM place p
    JOIN unseen u USING (member_id) JOIN stretch s ON s.member_id = u.author
    WHERE s.thread_id IS NULL AND s.seq > p.mark GROUP BY p.member_id
), mentioned AS (
    SELECT p.member_id, count(*) AS amount FROM stretch s
    JOIN place p ON (s.mentions_all OR p.member_id = ANY(s.mentions)) AND s.seq > p.mark
    WHERE (s.mentions_all OR s.mentions <> '{{}}')
      AND NOT EXISTS (SELECT FROM unseen u WHERE u.member_id = p.member_id AND u.author = s.member_id)
    GROUP BY p.member_id
), counted AS (
    SELECT p.member_id, coalesce(mentioned.amount, 0) AS mentions,
           cardinality(line.numbers) - width_bucket(p.mark, line.numbers) - coalesce(excluded.amount, 0) AS unread
    FROM place p CROSS JOIN line LEFT JOIN excluded USING (member_id) LEFT JOIN mentioned USING (member_id)
)
"""
_MARKS = "m.member_id, m.unread_count, m.mention_count, m.last_read_seq, m.as_of_seq, m.read_rev"
_ADD = (
    _STRETCH
    + f"""
UPDATE chat_members m SET unread_count = m.unread_count + c.unread, mention_count = m.mention_count + c.mentions,
                          read_rev = m.read_rev + 1, as_of_seq = :high
FROM counted c WHERE m.member_id = c.member_id AND (c.unread > 0 OR c.mentions > 0)
RETURNING {_MARKS}
"""  # noqa: S608 - made of constants
)
_SET = (
    _STRETCH
    + f"""
UPDATE chat_members m SET unread_count = c.unread, mention_count = c.mentions, read_rev = m.read_rev + 1,
                          as_of_seq = :high
FROM counted c WHERE m.member_id = c.member_id {{which}}
RETURNING {_MARKS}
"""  # noqa: S608 - made of constants
)
_DIFFERS = "AND (m.unread_count, m.mention_count) IS DISTINCT FROM (c.unread, c.mentions)"
_OLD_AND_UNREAD = "AND last_read_seq < :changed"

# Born past the cursor, as they are now; a row that has changed past the head is left to the next pass.
_ADD_BORN = text(_ADD.format(numbers="changed_seq > :low AND changed_seq <= :high AND seq > :low", whom=""))
_LEAST_MARK = """(
    SELECT coalesce(min(greatest(last_read_seq, visible_from_seq - 1)), 0) FROM chat_members
    WHERE room_id = :room_id AND is_active {whom})"""
# A row's `changed_seq` is never below its `seq`: the first condition adds nothing, but there is an index for it.
_RANGE = f"changed_seq > {_LEAST_MARK} AND seq > {_LEAST_MARK} AND seq <= :high"


def _set_for(whom: str, which: str) -> TextClause:
    return text(_SET.format(numbers=_RANGE.format(whom=whom), whom=whom, which=which))


_RECOUNT_BEHIND = _set_for(_OLD_AND_UNREAD, _DIFFERS)
_RECOUNT_ONE = _set_for("AND member_id = :member_id", "")
_RECOUNT_ALL = _set_for("", _DIFFERS)
_THREADS = text("""
UPDATE thread_reads t SET unread_count = c.amount FROM (
    SELECT t.thread_id, t.member_id, count(x.seq) AS amount FROM thread_reads t
    LEFT JOIN chat_messages x ON x.thread_id = t.thread_id AND x.seq > t.last_read_seq AND NOT x.is_deleted
                             AND x.member_id <> t.member_id
    WHERE t.thread_id = ANY(:thread_ids) GROUP BY t.thread_id, t.member_id
) c WHERE t.thread_id = c.thread_id AND t.member_id = c.member_id AND t.unread_count <> c.amount
""")

Marks = Mapping[str, int]


def add_born(room_id: UUID, room_type: str, low: int, high: int) -> dict[UUID, Marks]:
    """Add what was born in (low, high] to every member's counts; the marks of those whom it touched."""
    return _run(_ADD_BORN, room_id, room_type, low=low, high=high)


def recount_behind(room_id: UUID, room_type: str, changed: int, high: int) -> dict[UUID, Marks]:
    """Count anew, up to `high`, for all who had not read number `changed`."""
    return _run(_RECOUNT_BEHIND, room_id, room_type, changed=changed, high=high)


def recount_member(member: Member, room_type: str, high: int) -> Marks:
    """Count one member anew, up to `high`; always a new `read_rev`."""
    return _run(_RECOUNT_ONE, member.room_id, room_type, member_id=member.member_id, high=high)[member.member_id]


def recount_room(room_id: UUID, room_type: str, high: int) -> dict[UUID, Marks]:
    """Count everybody anew, up to `high`; the marks of those whose counts were wrong."""
    return _run(_RECOUNT_ALL, room_id, room_type, high=high)


def recount_threads(thread_ids: Sequence[UUID]) -> None:
    """Count the replies past each follower's mark in these threads."""
    db.session.execute(_THREADS, {"thread_ids": list(thread_ids)})


def changed_rows(room_id: UUID, low: int, high: int) -> tuple[int | None, list[UUID]]:
    """Of the rows changed in (low, high]: the highest number born at or below `low`, and the threads touched."""
    statement = text("""
        SELECT max(seq) FILTER (WHERE seq <= :low AND thread_id IS NULL OR seq <= :low AND mentions <> '{}') AS changed,
               array_agg(DISTINCT thread_id) FILTER (WHERE thread_id IS NOT NULL) AS threads
        FROM chat_messages WHERE room_id = :room_id AND changed_seq > :low AND changed_seq <= :high
    """)
    row = db.session.execute(statement, {"room_id": room_id, "low": low, "high": high}).one()
    return row.changed, row.threads or []


def move(member: Member, seq: int, now: object) -> None:
    """Set a member's mark."""
    db.session.execute(
        update(Member).where(Member.member_id == member.member_id).values(last_read_seq=seq, last_read_at=now)
    )


def _run(statement: TextClause, room_id: UUID, room_type: str, **params: Any) -> dict[UUID, Marks]:
    rows = db.session.execute(
        statement,
        {"room_id": room_id, "hides": room_type != "team", "is_direct": room_type == "direct", **params},
    )
    return {row.member_id: _marks(dict(row._mapping)) for row in rows}


def _marks(row: Mapping[str, Any]) -> Marks:
    return {name: row[name] for name in ("unread_count", "mention_count", "last_read_seq", "as_of_seq", "read_rev")}
