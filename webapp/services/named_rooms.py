"""Finding a room as an operator calls it: by its id or by its name."""

from __future__ import annotations

from uuid import UUID

from webapp.repositories import imports, rooms
from webapp.services.operator_errors import OperatorError
from webapp.services.unit_of_work import reading

# The team of imported channels. Team ids are time-ordered, so this one comes after all others in lists.
IMPORT_TEAM = UUID("00000000-0000-7000-8000-696d706f7274")


def find(reference: str) -> UUID | None:
    """The open room of this id or name; several of one name are refused unless one of them was imported."""
    room_id = _as_id(reference)
    with reading():
        if room_id is not None:
            room = rooms.find(room_id)
            return room_id if room is not None and room.is_active else None
        found = imports.find_named(reference, rather_of=IMPORT_TEAM)
    if not found:
        return None
    first_id, team_id = found[0]
    if len(found) > 1 and team_id != IMPORT_TEAM:
        raise OperatorError(
            f"같은 이름의 채팅방이 여럿입니다. ID로 지정해 주세요: {reference}",
            f"several rooms are called {reference}; name one by its id",
        )
    return first_id


def get(reference: str) -> UUID:
    """The same, or a refusal."""
    room_id = find(reference)
    if room_id is None:
        raise unknown(reference)
    return room_id


def unknown(reference: str) -> OperatorError:
    """What is said when there is no such room."""
    return OperatorError(f"채팅방을 찾을 수 없습니다: {reference}", f"there is no room {reference}")


def _as_id(reference: str) -> UUID | None:
    try:
        return UUID(reference)
    except ValueError:
        return None
