"""What all views and requests share: frozen, unknown fields refused, text normalised at the door."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from webapp.core.text import normalised
from webapp.domain import limits


class View(BaseModel):
    """Something that leaves the system, with all of its fields."""

    model_config = ConfigDict(frozen=True, extra="forbid", json_schema_serialization_defaults_required=True)


ViewType = TypeVar("ViewType", bound=View)


@dataclass(frozen=True, slots=True)
class Encoded(Generic[ViewType]):
    """A view that went from columns straight to JSON, for reads where building it would cost as much as the query."""

    kind: type[ViewType]
    json: bytes

    def parsed(self) -> ViewType:
        """The view itself; fails if the JSON is not one."""
        return self.kind.model_validate_json(self.json)


class Request(BaseModel):
    """A JSON body or frame that enters: strict types, nothing unknown."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Query(BaseModel):
    """The parameters after the `?`, which are always strings and so are coerced."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Page(Query):
    """A bounded page of a list that is walked by an opaque cursor."""

    cursor: str | None = Field(default=None, max_length=1_200)
    limit: int = Field(default=limits.PAGE, ge=1, le=limits.PAGE_MAXIMUM)


class Empty(Request):
    """A body without fields; no body at all is the same."""


class Ok(View):
    """The answer of an action that has nothing to show."""

    ok: bool = True


@dataclass(frozen=True)
class Prose:
    """Marks a `str` as text of `least` to `most` code points after NFC; one trimmed line unless `lines`."""

    most: int
    least: int = 0
    lines: bool = True

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self._checked, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        controls = r"\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f" if self.lines else r"\x00-\x1f\x7f-\x9f"
        return {**handler(schema), "minLength": self.least, "maxLength": self.most, "pattern": f"^[^{controls}]*$"}

    def _checked(self, value: str) -> str:
        value = normalised(value)
        if not self.lines:
            value = value.strip()
            if "\n" in value:
                raise ValueError("must be one line")
        if not self.least <= len(value) <= self.most:
            raise ValueError(f"must have {self.least} to {self.most} characters")
        return value


DisplayName = Annotated[str, Prose(limits.DISPLAY_NAME_LENGTH, least=1, lines=False)]
RoomName = Annotated[str, Prose(limits.ROOM_NAME_LENGTH, least=1, lines=False)]
Description = Annotated[str, Prose(limits.DESCRIPTION_LENGTH)]
# PostgreSQL can't hold NUL in a text.
UserId = Annotated[str, Field(min_length=1, max_length=255, pattern=r"^[^\x00]+$")]
Seq = Annotated[int, Field(ge=0, le=2**53 - 1)]
