"""One endpoint = one row of the URL table: parse, call one service, answer. The documentation is made of the same rows.

A view is a plain function. Its parameters say what it takes: `actor` (a signed-in account), `body` and `query`
(pydantic models), the rest comes from the path. Its return annotation is the answer's model, or a `Response` subclass
with a media type of its own.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, get_type_hints

from flask import Response, request
from pydantic import BaseModel, ValidationError

from webapp.core.errors import AppError, ErrorCode
from webapp.domain.permissions import Actor
from webapp.schemas.base import Encoded, View
from webapp.services import auth, rates

PREFIX = "/api/v1"
JSON = "application/json"


@dataclass(frozen=True)
class Endpoint:
    """A row of the URL table.

    `statuses` are the possible successes, the usual one first; `rate` names the budget of `limits.RATES` that a call
    draws on (None: none); `private` answers must not be stored by any cache.
    """

    method: str
    path: str
    view: Callable[..., Any]
    tag: str
    statuses: tuple[int, ...] = (200,)
    rate: str | None = None
    private: bool = True

    @cached_property
    def hints(self) -> dict[str, Any]:
        return get_type_hints(self.view)

    @cached_property
    def parameters(self) -> Mapping[str, inspect.Parameter]:
        return inspect.signature(self.view).parameters

    @property
    def takes_actor(self) -> bool:
        return "actor" in self.parameters

    @property
    def body(self) -> type[BaseModel] | None:
        return self.hints.get("body")

    @property
    def query(self) -> type[BaseModel] | None:
        return self.hints.get("query")

    @property
    def name(self) -> str:
        return f"{self.view.__module__.rsplit('.', 1)[-1]}.{self.view.__name__}"

    def __call__(self, **path: Any) -> Response:
        arguments = dict(path)
        if self.takes_actor:
            arguments["actor"] = auth.authenticate(bearer_token())
        if self.rate is not None:
            rates.spend(self.rate, _spender(arguments.get("actor")))
        if self.query is not None:
            arguments["query"] = parsed_query(self.query)
        if self.body is not None:
            arguments["body"] = parsed_body(self.body)
        answer = self.view(**arguments)
        if isinstance(answer, Response):
            return answer
        view, status = answer if isinstance(answer, tuple) else (answer, self.statuses[0])
        return json_response(view, status, private=self.private)


def json_response(view: View | Encoded[Any], status: int, *, private: bool = True) -> Response:
    """A view as a JSON body."""
    body = view.json if isinstance(view, Encoded) else view.__pydantic_serializer__.to_json(view)
    response = Response(body, status, mimetype=JSON)
    response.headers["Cache-Control"] = "no-store" if private else "public, max-age=60"
    return response


def bearer_token() -> str:
    """The access token of the Authorization header; 401 without one."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise AppError(ErrorCode.unauthenticated)
    return token.strip()


def parsed_body(model: type[BaseModel]) -> BaseModel:
    """The JSON body as its model: 415 for another type, 400 for no JSON, 422 for a wrong shape."""
    raw = request.get_data(cache=False)
    if not raw.strip():
        raw = b"{}"
    elif request.mimetype != JSON:
        raise AppError(ErrorCode.unsupported_type, {"expected": JSON})
    try:
        return model.model_validate_json(raw)
    except ValidationError as error:
        raise refusal(error) from None


def parsed_query(model: type[BaseModel]) -> BaseModel:
    """The query string as its model; the first of repeated parameters counts."""
    try:
        return model.model_validate(request.args.to_dict())
    except ValidationError as error:
        raise refusal(error) from None


def refusal(error: ValidationError) -> AppError:
    """What pydantic found wrong, as one of our errors."""
    found = error.errors(include_url=False, include_context=False, include_input=False)
    if found[0]["type"] == "json_invalid":
        return AppError(ErrorCode.malformed_json)
    fields = [{"field": ".".join(map(str, e["loc"])), "reason": e["type"], "message": e["msg"]} for e in found[:20]]
    return AppError(ErrorCode.validation_failed, {"fields": fields})


def _spender(actor: Actor | None) -> str:
    return f"user:{actor.user_id}" if actor is not None else f"address:{request.remote_addr}"
