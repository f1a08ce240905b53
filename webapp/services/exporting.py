"""Exporting a room's conversation as lines that an import reads."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

from webapp import presenters
from webapp.domain.identity import is_blind
from webapp.models.room import Room
from webapp.repositories import imports, members, rooms
from webapp.schemas.imports import ExportedLine
from webapp.services.named_rooms import unknown
from webapp.services.unit_of_work import snapshot

_PAGE = 1_000


def export_messages(room_id: UUID) -> Iterator[ExportedLine]:
    """What people said in a room and didn't withdraw, as of one instant; in a blind room under their labels."""
    with snapshot():
        room = rooms.find(room_id)
        if room is None:
            raise unknown(str(room_id))
        name, authors = room.room_name or str(room_id), _authors(room)
        for row in imports.stream(room_id):
            yield ExportedLine(
                room=name,
                author=authors[row.member_id],
                time=row.created_at,
                text=row.content,
                seq=row.seq,
                message_id=row.message_id,
                thread_id=row.thread_id,
                reply_to_id=row.reply_to_id,
            )


def _authors(room: Room) -> dict[UUID, str]:
    """What each member, also of former times, is called in the room's lines."""
    names: dict[UUID, str] = {}
    after: UUID | None = None
    while page := members.list_page(room.room_id, after=after, limit=_PAGE):
        after = page[-1].member_id
        people = {} if is_blind(room.display_mode) else presenters.profiles([member.user_id for member in page])
        for member in page:
            person = people.get(member.user_id)
            known = (person.username or person.user_id) if person is not None else None
            names[member.member_id] = known or member.anonymous_name or str(member.member_id)
    return names
