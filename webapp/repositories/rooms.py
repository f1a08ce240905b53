"""chat_rooms: rows and the heads of their logs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, func, select, text, tuple_
from sqlalchemy.dialects.postgresql import insert

from webapp.core.extensions import db
from webapp.models.member import Member
from webapp.models.room import Room
from webapp.models.room_cursor import RoomCursor

# The stored epoch, and PostgreSQL's timeline (8 hex digits): either changes when the database begins another life.
EPOCH_SQL = "(SELECT epoch::text FROM deployment) || '-' || left(pg_walfile_name(pg_current_wal_lsn()), 8)"
UNREAD = "unread"
CONSUMERS = (UNREAD,)


def add(room: Room) -> Room:
    """Insert a room with a cursor for every consumer."""
    db.session.add(room)
    db.session.flush()
    db.session.execute(insert(RoomCursor), [{"room_id": room.room_id, "consumer": c, "seq": 0} for c in CONSUMERS])
    return room


def find(room_id: UUID) -> Room | None:
    return db.session.get(Room, room_id)


def lock(room_id: UUID) -> Room | None:
    """The row, locked until the end of the transaction and read anew."""
    statement = select(Room).where(Room.room_id == room_id).with_for_update().execution_options(populate_existing=True)
    return db.session.execute(statement).scalar_one_or_none()


def find_direct(direct_key: str) -> Room | None:
    return db.session.execute(select(Room).where(Room.direct_key == direct_key)).scalar_one_or_none()


def epoch() -> str:
    """The life of the database that this connection sees."""
    return str(db.session.execute(text(f"SELECT {EPOCH_SQL}")).scalar_one())  # noqa: S608 - a constant


def heads(room_ids: Sequence[UUID]) -> dict[UUID, int]:
    """The last number of each room."""
    statement = select(Room.room_id, Room.last_seq).where(Room.room_id == func.any(list(room_ids)))
    return {row.room_id: row.last_seq for row in db.session.execute(statement)}


def list_of_user(
    user_id: str, *, room_type: str | None, after: tuple[float, UUID] | None, limit: int
) -> Sequence[Row[tuple[Room, Member]]]:
    """A user's active rooms with the membership of each, newest activity first."""
    activity = func.extract("epoch", func.coalesce(Room.last_message_at, Room.created_at))
    statement = (
        select(Room, Member)
        .join(Member, Member.room_id == Room.room_id)
        .where(Member.user_id == user_id, Member.is_active, Room.is_active)
        .order_by(activity.desc(), Room.room_id.desc())
        .limit(limit)
    )
    if room_type is not None:
        statement = statement.where(Room.room_type == room_type)
    if after is not None:
        statement = statement.where(tuple_(activity, Room.room_id) < after)
    return db.session.execute(statement).all()


PlainRow = Row[*tuple[Any, ...]]
# What a RoomView is made of, beside the last message; `activity` and the room's id are the place in the list.
LISTED_COLUMNS = (
    Room.room_id,
    Room.room_type,
    Room.room_name,
    Room.description,
    Room.display_mode,
    Room.visibility,
    Room.team_id,
    Room.is_frozen,
    Room.is_archived,
    Room.slow_mode_seconds,
    Room.directory_rev,
    Room.created_at,
    Room.last_seq.label("head_seq"),
    Room.last_message_at,
    Member.member_id,
    Member.role,
    Member.notification_level,
    Member.muted_until,
    Member.visible_from_seq,
    Member.last_read_seq,
    Member.unread_count,
    Member.mention_count,
    Member.read_rev,
)
_ACTIVITY = func.coalesce(Room.last_message_at, Room.created_at)


def list_rows_of_user(
    user_id: str, *, room_type: str | None, after: tuple[datetime, UUID] | None, limit: int
) -> Sequence[PlainRow]:
    """A user's active rooms as plain rows, newest activity first, with `activity` and `floor_seq` at the end."""
    statement = (
        select(*LISTED_COLUMNS, Room.floor_seq, _ACTIVITY.label("activity"))
        .join(Member, Member.room_id == Room.room_id)
        .where(Member.user_id == user_id, Member.is_active, Room.is_active)
        .order_by(_ACTIVITY.desc(), Room.room_id.desc())
        .limit(limit)
    )
    if room_type is not None:
        statement = statement.where(Room.room_type == room_type)
    if after is not None:
        statement = statement.where(tuple_(_ACTIVITY, Room.room_id) < after)
    return db.session.execute(statement).all()


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
