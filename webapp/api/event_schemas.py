"""What crosses the socket, as one JSON Schema document: a frame from the server is valid against its root."""

from __future__ import annotations

from typing import Literal, get_args
from uuid import UUID

from pydantic.json_schema import JsonSchemaMode, models_json_schema

from webapp.api.docs_prose import SOCKET, markdown
from webapp.api.openapi import Schema, error_body
from webapp.events import types
from webapp.events.replay import ReplayedEvent
from webapp.schemas import commands
from webapp.schemas.base import View
from webapp.schemas.messages import MessageEnvelope
from webapp.schemas.rooms import ReadMarksView
from webapp.schemas.sync import HelloView

REF = "#/$defs/{model}"

# Code → (what happened, whether to connect again).
CLOSE_CODES: dict[int, tuple[str, str]] = {
    1002: ("A fault of the WebSocket protocol.", "yes"),
    1007: ("A text frame that is not UTF-8.", "yes"),
    1009: ("A frame that is too large.", "yes"),
    1012: ("The server restarts.", "yes, after a random delay"),
    4008: ("The client read too slowly.", "yes, its cursors bring it up to date"),
    4400: ("Not JSON, or not a command.", "yes"),
    4401: ("The token is missing, wrong, expired or revoked.", "with a new token"),
    4403: ("The account is suspended, or the page's origin is not allowed.", "no"),
    4404: ("No such ticket, or it was used or has expired.", "with a new ticket"),
    4409: ("Another socket of the account took this one's place.", "no"),
    4429: ("Too many frames.", "yes, later"),
}


class HelloFrame(View):
    """The first frame: who one is, and the most recently active rooms with their heads."""

    type: Literal["hello"]
    data: HelloView


class RoomChanges(View):
    """What was missed in a room; `recovered: false` means that the room must be loaded anew."""

    changes: list[ReplayedEvent]
    head_seq: int
    through_seq: int
    recovered: bool


class RoomGone(View):
    """One is not a member any more."""

    gone: Literal[True]


class SyncData(View):
    """The answer of `sync`; ask again for the rooms in `more`."""

    rooms: dict[UUID, RoomChanges | RoomGone]
    more: list[UUID]
    epoch: str


class Nothing(View):
    """The answer of a command that has nothing to show."""


ANSWERS: dict[type[commands.Command], type[View]] = {
    commands.SyncCommand: SyncData,
    commands.SendCommand: MessageEnvelope,
    commands.ReadCommand: ReadMarksView,
    commands.TypingCommand: Nothing,
    commands.PingCommand: Nothing,
    commands.AuthCommand: Nothing,
}


def build() -> Schema:
    """The document."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "FocusMate messaging: the socket",
        "description": markdown(SOCKET),
        "anyOf": [_ref("HelloFrame"), _ref("Event"), _ref("Success"), _ref("Failure")],
        "$defs": {**_models(), **_frames()},
        "events": {_type_of(event): _ref(event.__name__) for event in types.ALL},
        "commands": {
            _type_of(command): {"command": _ref(command.__name__), "answer": _ref(answer.__name__)}
            for command, answer in ANSWERS.items()
        },
        "closeCodes": {
            str(code): {"meaning": meaning, "reconnect": again} for code, (meaning, again) in CLOSE_CODES.items()
        },
    }


def _models() -> Schema:
    modes: dict[type[View] | type[commands.Command], JsonSchemaMode] = {}
    modes |= dict.fromkeys(ANSWERS, "validation")
    modes |= dict.fromkeys((*types.ALL, HelloFrame, *ANSWERS.values()), "serialization")
    definitions: Schema = models_json_schema(list(modes.items()), ref_template=REF)[1]["$defs"]
    return dict(sorted(definitions.items()))


def _frames() -> Schema:
    """The unions, and the two frames that answer a command."""
    command_id: Schema = {"anyOf": [{"type": "integer"}, {"type": "string"}], "description": "The command's."}
    answers = [_ref(name) for name in dict.fromkeys(answer.__name__ for answer in ANSWERS.values())]
    return {
        "Event": {"anyOf": [_ref(event.__name__) for event in types.ALL]},
        "AnyCommand": {"anyOf": [_ref(command.__name__) for command in ANSWERS]},
        "Success": _frame({"id": command_id, "ok": {"const": True}, "data": {"anyOf": answers}}),
        "Failure": _frame({"id": command_id, "ok": {"const": False}, "error": error_body(of_request=False)}),
    }


def _frame(properties: Schema) -> Schema:
    return {"type": "object", "required": list(properties), "properties": properties, "additionalProperties": False}


def _type_of(model: type[View] | type[commands.Command]) -> str:
    (name,) = get_args(model.model_fields["type"].annotation)
    return str(name)


def _ref(name: str) -> Schema:
    return {"$ref": REF.format(model=name)}
