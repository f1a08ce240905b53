"""What a client may say over a socket: one typed class per command."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from webapp.schemas.base import Request, Seq
from webapp.schemas.messages import SendMessage

CommandId = Annotated[int, Field(ge=-(2**53), le=2**53)] | Annotated[str, Field(max_length=64)]


class Command(Request):
    """The answer carries the same `id`."""

    id: CommandId


class SyncCommand(Command):
    """What was missed in many rooms, each after its cursor: the last number that the client has applied."""

    type: Literal["sync"]
    cursors: dict[UUID, Seq] = Field(max_length=1_000)


class SendCommand(Command, SendMessage):
    """The same as POST /chats/rooms/{room_id}/messages."""

    type: Literal["send"]
    room_id: UUID


class ReadCommand(Command):
    """Everything up to `seq` is read; the same as POST /chats/rooms/{room_id}/read."""

    type: Literal["read"]
    room_id: UUID
    seq: Seq


class TypingCommand(Command):
    """Someone is typing; passed on at most every three seconds a room."""

    type: Literal["typing"]
    room_id: UUID


class PingCommand(Command):
    """Whether the server still answers."""

    type: Literal["ping"]


class AuthCommand(Command):
    """A new access token of the same account, before the present one expires."""

    type: Literal["auth"]
    token: str = Field(max_length=8_192)


AnyCommand = SyncCommand | SendCommand | ReadCommand | TypingCommand | PingCommand | AuthCommand
