"""Importing messages from a file: each line once, however often it is read, while the rooms go on living."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import BinaryIO
from uuid import UUID

from pydantic import ValidationError

from webapp.core import clock
from webapp.domain import imports as rules
from webapp.events.publisher import MarkUpdate
from webapp.integrations.tasks import dirty_rooms
from webapp.repositories import cursors, imports, rooms
from webapp.repositories.imports import PastMessage
from webapp.schemas.imports import ImportedLine
from webapp.services import import_lines
from webapp.services.import_lines import Format
from webapp.services.import_places import Places
from webapp.services.occurrences import Occurrences
from webapp.services.operator_errors import OperatorError
from webapp.services.unit_of_work import unit_of_work

BATCH = 1_000
HELD_LINES = 5_000


@dataclass(frozen=True, slots=True)
class _Message:
    """A line that has found its author's place in its room."""

    sender_id: str
    member_id: UUID
    text: str
    at: datetime
    client_message_id: UUID

    def numbered(self, seq: int) -> PastMessage:
        """The row that it becomes."""
        message_id = rules.dated_id(self.at)
        return PastMessage(message_id, seq, self.sender_id, self.member_id, self.text, self.client_message_id, self.at)


@dataclass
class Imported:
    """What became of a file's lines: new in the log, there already, or refused."""

    added: int = 0
    known: int = 0
    refused: int = 0


@dataclass
class _Batches:
    """Lines that wait for their room's next transaction, a bounded number of them over all rooms."""

    imported: Imported
    _waiting: dict[UUID, list[_Message]] = field(default_factory=dict)
    _held: int = 0

    def add(self, room_id: UUID, message: _Message) -> None:
        batch = self._waiting.setdefault(room_id, [])
        batch.append(message)
        self._held += 1
        if len(batch) == BATCH:
            self._write(room_id)
        elif self._held == HELD_LINES:
            self._write(max(self._waiting, key=lambda room: len(self._waiting[room])))

    def write_all(self) -> None:
        for room_id in list(self._waiting):
            self._write(room_id)

    def _write(self, room_id: UUID) -> None:
        batch = self._waiting.pop(room_id)
        self._held -= len(batch)
        added = _append(room_id, batch)
        self.imported.added += added
        self.imported.known += len(batch) - added


def import_messages(
    file: BinaryIO,
    form: Format,
    *,
    room: str | None,
    create_missing: bool,
    on_read: Callable[[int], None],
    on_refused: Callable[[int, OperatorError], None],
) -> Imported:
    """Every good line enters its room's log once, in the file's order; a bad one is told with its number.

    `room` takes all lines, whatever room they name. Whoever interrupts it runs it again.
    """
    places, imported = Places(creates=create_missing), Imported()
    batches = _Batches(imported)
    with Occurrences() as occurrences:
        for number, fields in import_lines.records(file, form, on_read):
            try:
                line = _read_line(fields, room)
                room_id, user_id = places.room(line.room), places.author(line.author)
                member_id = places.member(room_id, user_id)
            except OperatorError as error:
                imported.refused += 1
                on_refused(number, error)
                continue
            key = rules.line_key(room_id, user_id, line.time, line.text)
            client_message_id = rules.occurrence_id(key, occurrences.count(key))
            batches.add(room_id, _Message(user_id, member_id, line.text, line.time, client_message_id))
    batches.write_all()
    dirty_rooms.flush()
    return imported


def _read_line(fields: import_lines.Fields | OperatorError, room: str | None) -> ImportedLine:
    if isinstance(fields, OperatorError):
        raise fields
    try:
        line = ImportedLine.model_validate(fields if room is None else {**fields, "room": room})
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        name = ".".join(map(str, first["loc"]))
        raise OperatorError(f"{name} 값을 확인해 주세요", f"{name}: {first['msg']}") from None
    if line.time > clock.now():
        raise OperatorError("time 값이 미래입니다", "time: lies in the future")
    return line


def _append(room_id: UUID, batch: list[_Message]) -> int:
    """Those of these messages that the room doesn't hold take its next numbers; how many they were."""
    with unit_of_work() as uow:
        room = uow.lock_room(room_id)
        known = imports.known_ids(room_id, [m.sender_id for m in batch], [m.client_message_id for m in batch])
        fresh = [message for message in batch if message.client_message_id not in known]
        if not fresh:
            return 0
        former = room.last_seq
        imports.add_messages(room_id, [message.numbered(uow.next_seq()) for message in fresh])
        room.last_message_at = max(*(m.at for m in fresh), room.last_message_at or fresh[0].at)
        cursors.lock(room_id, rooms.UNREAD)
        # History is no news.
        marks = imports.carry_marks(room_id, former, room.last_seq)
        if marks:
            uow.signal(room_id, MarkUpdate({str(member_id): values for member_id, values in marks.items()}))
    dirty_rooms.mark(room_id)
    return len(fresh)
