"""Read marks: where each member has come in a room, what is still unread, and who has read a message."""

from __future__ import annotations

from uuid import UUID

from webapp.core.errors import AppError, ErrorCode
from webapp.domain import identity
from webapp.domain.permissions import Actor
from webapp.events.publisher import MarkUpdate, Signal
from webapp.events.types import ReadData, ReadUpdated
from webapp.integrations import blind_reads
from webapp.repositories import cursors, members, read_marks, readers, rooms
from webapp.schemas.messages import ReadersView
from webapp.schemas.rooms import MarkRead, ReadMarksView, UnreadTotalView
from webapp.services import access
from webapp.services.access import Access
from webapp.services.unit_of_work import UnitOfWork, reading, unit_of_work


def read(actor: Actor, room_id: UUID, body: MarkRead) -> ReadMarksView:
    """A member's mark moves forward to what was read, never back and never past the head.

    An open room hears of it at once, a blind one at the next tick.
    """
    with unit_of_work() as uow:
        room = access.access_room(actor, room_id)
        seq = min(body.seq, room.room.last_seq)
        if seq <= room.member.last_read_seq:
            return _view(room_id, _present(room))
        marks = _move(uow, room, seq, forward=True)
        is_blind = identity.is_blind(room.room.display_mode)
        if not is_blind:
            _tell_room(uow, room, marks["last_read_seq"])
    if is_blind:
        blind_reads.add(room_id)
    return _view(room_id, marks)


def unread(actor: Actor, room_id: UUID, body: MarkRead) -> ReadMarksView:
    """A member may mark a message and all after it as unread."""
    with unit_of_work() as uow:
        room = access.access_room(actor, room_id)
        seq = min(max(body.seq - 1, 0), room.room.last_seq)
        return _view(room_id, _move(uow, room, seq, forward=False))


def total(actor: Actor) -> UnreadTotalView:
    """The sum over a user's rooms; muted ones count too, since they are unread."""
    with reading():
        unread_count, mention_count = readers.total(actor.user_id)
        return UnreadTotalView(unread_count=unread_count, mention_count=mention_count)


def who_read(actor: Actor, room_id: UUID, message_id: UUID) -> ReadersView:
    """Who has read a message: only of those who show it, only to those who do, and nobody in a blind room."""
    with reading():
        room = access.access_room(actor, room_id)
        if identity.is_blind(room.room.display_mode):
            raise AppError(ErrorCode.permission_denied)
        message = access.access_message(room, message_id)
        return ReadersView(
            member_ids=readers.shown(room_id, message.seq, author=message.member_id, viewer=actor.user_id),
            unread_by=readers.count_unread(room_id, message.seq, author=message.member_id),
        )


def publish_blind_reads() -> int:
    """Tell each blind room where its marks stand now, sorted and nameless; called at fixed ticks."""
    room_ids = blind_reads.take()
    for room_id in room_ids:
        with unit_of_work() as uow:
            data = ReadData(member_id=None, last_read_seq=None, marks=readers.sorted_marks(room_id))
            uow.signal(room_id, Signal(ReadUpdated(room_id=room_id, at=uow.now, data=data).encoded()))
    return len(room_ids)


def _move(uow: UnitOfWork, room: Access, seq: int, *, forward: bool) -> read_marks.Marks:
    """Under the counter's cursor, so that each message is either counted here or added there."""
    room_id = room.room.room_id
    cursor = cursors.lock(room_id, rooms.UNREAD, share=True)
    member = members.find(room_id, room.member.member_id, lock=True)
    if member is None or not member.is_active:
        raise AppError(ErrorCode.room_not_found)
    if forward and seq < member.last_read_seq:
        seq = member.last_read_seq
    read_marks.move(member, seq, uow.now)
    marks = read_marks.recount_member(member, room.room.room_type, cursor.seq)
    uow.signal(room_id, MarkUpdate({str(member.member_id): dict(marks)}))
    return marks


def _tell_room(uow: UnitOfWork, room: Access, seq: int) -> None:
    """An open room hears of a mark at once, if its owner shows receipts."""
    if readers.shows_receipts(room.member.member_id):
        data = ReadData(member_id=room.member.member_id, last_read_seq=seq, marks=None)
        event = ReadUpdated(room_id=room.room.room_id, at=uow.now, data=data)
        uow.signal(room.room.room_id, Signal(event.encoded(), only_receipts=True))


def _present(room: Access) -> read_marks.Marks:
    names = ("unread_count", "mention_count", "last_read_seq", "as_of_seq", "read_rev")
    return {name: getattr(room.member, name) for name in names}


def _view(room_id: UUID, marks: read_marks.Marks) -> ReadMarksView:
    return ReadMarksView(room_id=room_id, **marks)
