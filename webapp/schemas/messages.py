"""Messages on the wire: what a client may send and what every member of a room sees alike."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, Field, field_validator, model_validator

from webapp.domain import limits
from webapp.schemas.base import Page, Prose, Query, Request, Seq, View

Content = Annotated[str, Prose(limits.CONTENT_LENGTH, least=1)]


def _random_version(value: UUID) -> UUID:
    if value.version != 4:
        raise ValueError("must be a random (version 4) UUID")
    return value


_VERSION_4 = r"^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-4[0-9a-fA-F]{3}-[89abAB][0-9a-fA-F]{3}-[0-9a-fA-F]{12}$"
ClientMessageId = Annotated[UUID, AfterValidator(_random_version), Field(json_schema_extra={"pattern": _VERSION_4})]


class ReactionView(View):
    """How many members chose an emoji, and the first of them."""

    count: int
    member_ids: list[UUID]


class SystemView(View):
    """Something the server says; people in `params` are member ids."""

    kind: str
    params: dict[str, Any]


class PollOptionView(View):
    option_id: int
    text: str
    count: int


class PollView(View):
    question: str
    options: list[PollOptionView]
    is_multiple: bool
    closes_at: datetime | None
    voter_count: int


class MessageView(View):
    """A message as every member sees it; a deleted one keeps its place with nothing in it."""

    message_id: UUID
    room_id: UUID
    seq: int
    changed_seq: int
    member_id: UUID | None
    content: str
    message_type: Literal["text", "image", "file", "system"]
    attachments: list[dict[str, Any]]
    reactions: dict[str, ReactionView]
    mentions: list[UUID]
    mentions_all: bool
    thread_id: UUID | None
    reply_to_id: UUID | None
    reply_count: int
    last_reply_at: datetime | None
    is_edited: bool
    is_deleted: bool
    is_pinned: bool
    client_message_id: UUID | None
    system: SystemView | None
    poll: PollView | None
    created_at: datetime
    updated_at: datetime


class MessageEnvelope(View):
    message: MessageView


class MessagePage(View):
    """Messages, oldest first."""

    messages: list[MessageView]
    has_more_before: bool
    has_more_after: bool
    head_seq: int
    epoch: str


class SendMessage(Request):
    """A send. The same `client_message_id` with the same body is the same message."""

    content: Content
    message_type: Literal["text"] = "text"
    client_message_id: ClientMessageId | None = None
    reply_to_id: UUID | None = None
    thread_id: UUID | None = None
    file_ids: tuple[UUID, ...] = Field(default=(), max_length=limits.FILES_PER_MESSAGE)


class EditMessage(Request):
    content: Content


class History(Query):
    """Where a page of history lies: at most one of the four places; none means the newest."""

    before_seq: Seq | None = None
    after_seq: Seq | None = None
    around_seq: Seq | None = None
    around: Literal["first_unread"] | None = None
    limit: int = Field(default=limits.PAGE, ge=1, le=limits.PAGE_MAXIMUM)

    @model_validator(mode="after")
    def _one_place(self) -> History:
        places = (self.before_seq, self.after_seq, self.around_seq, self.around)
        if sum(place is not None for place in places) > 1:
            raise ValueError("give one of before_seq, after_seq, around_seq and around")
        return self


class MessageList(View):
    """A page of messages outside the timeline (pins, mentions)."""

    messages: list[MessageView]
    next_cursor: str | None


class ReactorPage(View):
    """Who reacted: rows of emoji and member, walked by a cursor."""

    reactions: list[ReactorView]
    next_cursor: str | None


class ReactorView(View):
    emoji: str
    member_id: UUID
    created_at: datetime


class ReactorsQuery(Page):
    emoji: str | None = Field(default=None, max_length=limits.EMOJI_LENGTH)


class ReadersView(View):
    """Who has read a message (of those who show it) and how many have not."""

    member_ids: list[UUID]
    unread_by: int


class CreatePoll(Request):
    question: Annotated[str, Prose(limits.POLL_TEXT_LENGTH, least=1, lines=False)]
    options: list[Annotated[str, Prose(limits.POLL_TEXT_LENGTH, least=1, lines=False)]] = Field(
        min_length=2, max_length=limits.POLL_OPTIONS, json_schema_extra={"uniqueItems": True}
    )
    is_multiple: bool = False
    closes_at: AwareDatetime | None = None
    client_message_id: ClientMessageId | None = None

    @field_validator("options")
    @classmethod
    def _all_different(cls, value: list[str]) -> list[str]:
        if len(set(value)) != len(value):
            raise ValueError("options must differ")
        return value


class CastVotes(Request):
    """All of one member's choices; none withdraws the vote."""

    option_ids: list[int] = Field(max_length=limits.POLL_OPTIONS)


class ForwardMessage(Request):
    room_id: UUID
    client_message_id: ClientMessageId | None = None


class DraftView(View):
    content: str
    updated_at: datetime | None


class SaveDraft(Request):
    """An empty text removes the draft."""

    content: Annotated[str, Prose(limits.CONTENT_LENGTH)]
