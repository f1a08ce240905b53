"""What crosses a socket: the commands that a client may send, the answers, and the close codes."""

from __future__ import annotations

from typing import Annotated, Any

import orjson
from pydantic import Field, TypeAdapter, ValidationError

from webapp.core.errors import AppError, ErrorCode, render_error
from webapp.realtime.frames import frame
from webapp.schemas.commands import AnyCommand

BAD_COMMAND = 4400
BAD_TOKEN = 4401
SUSPENDED = 4403
NO_TICKET = 4404
TOO_MANY_SOCKETS = 4409
TOO_FAST = 4429
DRAIN = 1012
INTERNAL = 1011
TRY_LATER = 1013

RENEW_SECONDS = 60

_COMMANDS: TypeAdapter[AnyCommand] = TypeAdapter(Annotated[AnyCommand, Field(discriminator="type")])
_TYPES = frozenset({"sync", "send", "read", "typing", "ping", "auth"})


class Malformed(Exception):
    """Not a command at all: no JSON object, no usable id, or an unknown type. The socket is closed 4400."""


class Refused(Exception):
    """A command with wrong fields; answered, and the socket goes on."""

    def __init__(self, command_id: int | str, error: AppError) -> None:
        super().__init__(error.code.name)
        self.command_id, self.error = command_id, error


def parsed(text: str) -> AnyCommand:
    """One text frame as a command."""
    try:
        return _COMMANDS.validate_json(text)
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False, include_input=False)
    fields = _fields(text)
    fault = [{"field": ".".join(map(str, e["loc"][1:])), "reason": e["type"], "message": e["msg"]} for e in found[:20]]
    raise Refused(fields["id"], AppError(ErrorCode.validation_failed, {"fields": fault}))


def answer(command_id: int | str, encoded: bytes) -> bytes:
    """The frame of a success, `encoded` being its data as JSON."""
    return frame(orjson.dumps({"id": command_id, "ok": True, "data": orjson.Fragment(encoded)}))


def refusal(command_id: int | str, error: AppError, locale: str) -> bytes:
    """The frame of a failure, with the same error body as HTTP."""
    body = {"id": command_id, "ok": False, "error": render_error(error, locale=locale)}
    return frame(orjson.dumps(body, option=orjson.OPT_UTC_Z))


def _fields(text: str) -> dict[str, Any]:
    """The frame as an object that names itself, so that it can be answered."""
    try:
        fields = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise Malformed from None
    if not isinstance(fields, dict) or not isinstance(fields.get("type"), str) or fields["type"] not in _TYPES:
        raise Malformed
    command_id = fields.get("id")
    is_number = isinstance(command_id, int) and not isinstance(command_id, bool) and abs(command_id) <= 2**53
    if not is_number and not (isinstance(command_id, str) and len(command_id) <= 64):
        raise Malformed
    return fields
