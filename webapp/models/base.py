"""The declarative base: UTC timestamps, JSONB, and constraint names that migrations can rely on."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, ClassVar
from uuid import UUID

from sqlalchemy import BigInteger, DateTime, ForeignKey, MetaData, String, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.dialects.postgresql import UUID as PgUUID
from sqlalchemy.orm import DeclarativeBase, mapped_column

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    """Root of every table of ours."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        datetime: DateTime(timezone=True),
        dict[str, Any]: JSONB(),
        UUID: PgUUID(as_uuid=True),
    }


# A place in a room's log: the numbers that `chat_rooms.last_seq` hands out.
Seq = Annotated[int, mapped_column(BigInteger)]
CreatedAt = Annotated[datetime, mapped_column(DateTime(timezone=True), server_default=func.now())]
UserId = Annotated[str, mapped_column(String(255), ForeignKey("users.user_id"))]
RoomId = Annotated[UUID, mapped_column(ForeignKey("chat_rooms.room_id"))]
MemberId = Annotated[UUID, mapped_column(ForeignKey("chat_members.member_id"))]
MessageId = Annotated[UUID, mapped_column(ForeignKey("chat_messages.message_id"))]
