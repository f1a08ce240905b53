"""Where a person's presence is shown, and to whom it is not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from webapp.domain import limits
from webapp.repositories import hot

ROOMS_TOLD = 200

_PLACES = """
    SELECT me.room_id, me.member_id,
           coalesce(array_agg(o.member_id) FILTER (WHERE o.member_id IS NOT NULL), '{}') AS except_members
    FROM (SELECT m.room_id, m.member_id FROM chat_members m JOIN chat_rooms r USING (room_id)
          JOIN users u USING (user_id)
          WHERE u.shows_presence AND m.user_id = %(user_id)s AND m.is_active AND r.is_active AND r.display_mode = 'open'
            AND (SELECT count(*) FROM (SELECT FROM chat_members o WHERE o.room_id = m.room_id AND o.is_active
                                       LIMIT %(members)s + 1) AS few) <= %(members)s
          ORDER BY coalesce(r.last_message_at, r.created_at) DESC LIMIT %(limit)s) me
    LEFT JOIN (SELECT blocked_id AS user_id FROM blocks WHERE blocker_id = %(user_id)s AND member_id IS NULL
               UNION SELECT blocker_id FROM blocks WHERE blocked_id = %(user_id)s AND member_id IS NULL) b ON true
    LEFT JOIN chat_members o ON o.room_id = me.room_id AND o.user_id = b.user_id
    GROUP BY me.room_id, me.member_id
"""


@dataclass(frozen=True, slots=True)
class Place:
    """A person's membership in an open room, and the members there whom a block keeps from seeing it."""

    room_id: UUID
    member_id: UUID
    except_members: frozenset[UUID]


def places(user_id: str) -> Sequence[Place]:
    """The most recently active open rooms of someone who shows presence; none for others.

    In a larger room every arrival would be told to everybody; there the directory says who is online.
    """
    rows = hot.rows(_PLACES, {"user_id": user_id, "limit": ROOMS_TOLD, "members": limits.PRESENCE_MEMBERS})
    return [Place(room_id, member_id, frozenset(except_members)) for room_id, member_id, except_members in rows]
