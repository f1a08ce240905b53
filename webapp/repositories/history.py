"""Pages of a room's timeline and of its threads: access, head, epoch and rows in one statement, so in one snapshot.

The hot read of the product. Limits are written into the text, so that PostgreSQL keeps one good plan for each.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from operator import itemgetter
from typing import Any
from uuid import UUID

from webapp.repositories import hot
from webapp.repositories.messages import VIEW_COLUMNS, json_columns
from webapp.repositories.rooms import EPOCH_SQL

PAST_THE_HEAD = 2**62


@dataclass(frozen=True, slots=True)
class Place:
    """Up to `before` rows below the number `pivot` and up to `after` from it on, but no more than the larger of both.

    No pivot is the viewer's first unread row, or the end when there is none.
    """

    pivot: int | None
    before: int
    after: int


@dataclass(frozen=True, slots=True)
class Page:
    """What one instant held at a place, oldest first, each row as JSON holds it."""

    head_seq: int
    epoch: str
    rows: Sequence[dict[str, Any]]
    has_more_before: bool
    has_more_after: bool
    has_root: bool


_FIELDS = tuple(column.key for column in VIEW_COLUMNS)
_COLUMNS = json_columns("m")
_SEQ = _FIELDS.index("seq")

# Members whose messages the viewer doesn't see: labels blocked here, and in a direct room people blocked by a label.
_HIDDEN = """
CASE WHEN r.room_type <> 'team' THEN ARRAY(
    SELECT o.member_id FROM blocks b JOIN chat_members o ON o.user_id = b.blocked_id AND o.room_id = r.room_id
    WHERE b.blocker_id = me.user_id AND b.member_id IS NOT NULL
      AND (o.member_id = b.member_id OR r.room_type = 'direct')) END
"""
_VIEWER = f"""
SELECT r.room_id, r.last_seq, {EPOCH_SQL} AS epoch, me.member_id, me.last_read_seq, {_HIDDEN} AS hidden,
       greatest(me.visible_from_seq, CASE WHEN r.floor_seq > 0 THEN r.floor_seq + 1 ELSE 0 END) AS visible_from
FROM chat_rooms r JOIN chat_members me ON me.room_id = r.room_id AND me.user_id = %(user_id)s
WHERE r.room_id = %(room_id)s AND r.is_active AND me.is_active
"""  # noqa: S608 - made of constants
_VISIBLE = """
m.room_id = viewer.room_id AND m.seq >= viewer.visible_from AND coalesce(m.member_id <> ALL(viewer.hidden), true)
"""
_IN_TIMELINE = "m.thread_id IS NULL"
_IN_THREAD = "m.thread_id = %(thread_id)s"
_ROOT = f"EXISTS (SELECT FROM chat_messages m WHERE m.message_id = %(thread_id)s AND {_VISIBLE})"
_READ_IN_TIMELINE = "viewer.last_read_seq"
_READ_IN_THREAD = """
coalesce((SELECT t.last_read_seq FROM thread_reads t
          WHERE t.thread_id = %(thread_id)s AND t.member_id = viewer.member_id), 0)
"""


def find_page(user_id: str, room_id: UUID, place: Place, thread_id: UUID | None = None) -> Page | None:
    """A page as a present member sees it, without what is hidden from them; None for anybody else."""
    in_thread = thread_id is not None
    statement = _statement(place.before, place.after, in_thread=in_thread, first_unread=place.pivot is None)
    params = {"user_id": user_id, "room_id": room_id, "pivot": place.pivot, "thread_id": thread_id}
    found = hot.rows(statement, params)
    return _page(found, place) if found else None


def _page(found: Sequence[tuple[Any, ...]], place: Place) -> Page:
    """Share the page between both sides of the pivot; the row beyond each end only tells that there is more."""
    head_seq, epoch, has_root, pivot = found[0][:4]
    rows = sorted((row[4:] for row in found if row[4] is not None), key=itemgetter(_SEQ))
    middle = bisect_left(rows, pivot, key=itemgetter(_SEQ))
    limit = max(place.before, place.after)
    below, above = min(middle, place.before), min(len(rows) - middle, place.after)
    end = middle + min(above, max(limit - limit // 2, limit - below))
    first = max(middle - below, end - limit)
    return Page(
        head_seq=head_seq,
        epoch=epoch,
        rows=[dict(zip(_FIELDS, row, strict=True)) for row in rows[first:end]],
        has_more_before=first > 0,
        has_more_after=end < len(rows),
        has_root=has_root,
    )


@cache
def _statement(before: int, after: int, *, in_thread: bool, first_unread: bool) -> str:
    belongs = _IN_THREAD if in_thread else _IN_TIMELINE
    pivot = _first_unread(belongs, _READ_IN_THREAD if in_thread else _READ_IN_TIMELINE)
    return f"""
    WITH member AS MATERIALIZED ({_VIEWER}), viewer AS MATERIALIZED (
        SELECT viewer.*, {pivot if first_unread else "%(pivot)s::bigint"} AS pivot FROM member AS viewer
    )
    SELECT viewer.last_seq, viewer.epoch, {_ROOT if in_thread else "true"}, viewer.pivot, page.*
    FROM viewer LEFT JOIN LATERAL (
        (SELECT {_COLUMNS} FROM chat_messages m WHERE {belongs} AND {_VISIBLE} AND m.seq < viewer.pivot
         ORDER BY m.seq DESC LIMIT {before + 1})
        UNION ALL
        (SELECT {_COLUMNS} FROM chat_messages m WHERE {belongs} AND {_VISIBLE} AND m.seq >= viewer.pivot
         ORDER BY m.seq LIMIT {after + 1})
    ) page ON true
    """  # noqa: S608 - made of constants and two checked numbers


def _first_unread(belongs: str, read: str) -> str:
    return f"""
    coalesce((SELECT m.seq FROM chat_messages m
              WHERE {belongs} AND {_VISIBLE} AND m.seq > {read} AND m.message_type <> 'system' AND NOT m.is_deleted
                AND m.member_id <> viewer.member_id
              ORDER BY m.seq LIMIT 1), {PAST_THE_HEAD})
    """  # noqa: S608 - made of constants
