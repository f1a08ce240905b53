"""chat_rooms: rows and the heads of their logs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, func, select, text
from sqlalchemy.dialects.postgresql import insert

from webapp.core.extensions import db
from webapp.models.member import Member
from webapp.models.room import Room
from webapp.models.room_cursor import RoomCursor

# The stored epoch, and PostgreSQL's timeline (8 hex digits): either changes when the database begins another life.
EPOCH_SQL = "(SELECT epoch::text FROM deployment) || '-' || left(pg_walfile_name(pg_current_wal_lsn()), 8)"
UNREAD = "unread"
CONSUMERS = (UNREAD,)

PlainRow = Row[*tuple[Any, ...]]


def add(room: Room) -> Room:
    """Insert a room with a cursor for every consumer."""
    db.session.add(room)
    db.session.flush()
    db.session.execute(insert(RoomCursor), [{"room_id": room.room_id, "consumer": c, "seq": 0} for c in CONSUMERS])
    return room


def find(room_id: UUID) -> Room | None:
    """The row, as this transaction has seen it."""
    return db.session.get(Room, room_id)


def lock(room_id: UUID) -> Room | None:
    """The row, locked until the end of the transaction and read anew.

    Not against foreign keys: PostgreSQL checks them again when a transaction writes a member twice, which would take
    the room's lock after the member's.
    """
    statement = select(Room).where(Room.room_id == room_id).with_for_update(key_share=True)
    statement = statement.execution_options(populate_existing=True)
    return db.session.execute(statement).scalar_one_or_none()


def find_direct(direct_key: str) -> Room | None:
    """The direct room of a pair."""
    return db.session.execute(select(Room).where(Room.direct_key == direct_key)).scalar_one_or_none()


def epoch() -> str:
    """The life of the database that this connection sees."""
    return str(db.session.execute(text(f"SELECT {EPOCH_SQL}")).scalar_one())


def heads(room_ids: Sequence[UUID]) -> dict[UUID, int]:
    """The last number of each room."""
    statement = select(Room.room_id, Room.last_seq).where(Room.room_id == func.any(list(room_ids)))
    return {row.room_id: row.last_seq for row in db.session.execute(statement)}


def count_of_team(team_id: UUID) -> int:
    """How many channels of a team are open."""
    statement = select(func.count()).select_from(Room).where(Room.team_id == team_id, Room.is_active)
    return db.session.execute(statement).scalar_one()


def list_public_of_team(team_id: UUID, user_id: str, *, after: UUID | None, limit: int) -> Sequence[PlainRow]:
    """The channels that a team's members can find, with their sizes and whether this user is in."""
    present = select(Member.member_id).where(Member.room_id == Room.room_id, Member.is_active)
    statement = (
        select(
            Room.room_id,
            Room.room_name,
            Room.description,
            select(func.count())
            .select_from(present.correlate(Room).subquery())
            .scalar_subquery()
            .label("member_count"),
            present.where(Member.user_id == user_id).exists().label("is_member"),
        )
        .where(Room.team_id == team_id, Room.visibility == "public", Room.is_active, ~Room.is_archived)
        .order_by(Room.room_id)
        .limit(limit)
    )
    if after is not None:
        statement = statement.where(Room.room_id > after)
    return db.session.execute(statement).all()


def list_of_team_member(team_id: UUID, user_id: str) -> Sequence[PlainRow]:
    """The channels of a team that a person is in, with the person's role in each."""
    statement = (
        select(Room.room_id, Member.role)
        .join(Member, Member.room_id == Room.room_id)
        .where(Room.team_id == team_id, Member.user_id == user_id, Member.is_active)
        .order_by(Room.room_id)
    )
    return db.session.execute(statement).all()
