"""The OpenAPI 3.1 document, made of the rows that serve: it can't say anything but what is parsed and answered."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Sequence
from http import HTTPStatus
from typing import Any, get_args
from uuid import UUID

from flask import Response
from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from webapp.api.docs_prose import INTRODUCTION, TAGS, markdown
from webapp.api.endpoint import JSON, PREFIX, Endpoint
from webapp.core.errors import ErrorCode

Schema = dict[str, Any]

REF = "#/components/schemas/{model}"
_VARIABLE = re.compile(r"<\w+:(\w+)>")
_NAMES_SOMETHING = re.compile(r"_ids?$")

REQUEST_ID = {"description": "The request's id, for the server's logs.", "schema": {"type": "string"}}
RETRY_AFTER = {"description": "Seconds to wait before the next try.", "schema": {"type": "integer", "minimum": 1}}
CHALLENGE = {"description": "How to authenticate.", "schema": {"type": "string", "const": "Bearer"}}


def build(endpoints: Sequence[Endpoint]) -> Schema:
    """The document of these endpoints."""
    paths: dict[str, Schema] = {}
    for endpoint in endpoints:
        paths.setdefault(_VARIABLE.sub(r"{\1}", endpoint.path), {})[endpoint.method.lower()] = _operation(endpoint)
    return {
        "openapi": "3.1.0",
        "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
        "info": {"title": "FocusMate messaging", "version": "1", "description": markdown(INTRODUCTION)},
        "servers": [{"url": PREFIX}],
        "tags": [
            {"name": tag, "description": " · ".join(TAGS[tag].values())}
            for tag in dict.fromkeys(e.tag for e in endpoints)
        ],
        "paths": paths,
        "components": {
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
            "headers": {"X-Request-Id": REQUEST_ID, "Retry-After": RETRY_AFTER, "WWW-Authenticate": CHALLENGE},
            "responses": {_refusal_name(status): _refusal(status) for status in _statuses_of_refusals()},
            "schemas": {**_definitions(endpoints), "Error": ERROR},
        },
    }


def answer_of(endpoint: Endpoint) -> type[BaseModel] | type[Response]:
    """The model or kind of response that a view is annotated to return, out of `tuple[…, int]` or `Encoded[…]`."""
    annotation = endpoint.hints["return"]
    found: type[BaseModel] | type[Response] = next(iter(get_args(annotation)), annotation)
    return found


def _definitions(endpoints: Sequence[Endpoint]) -> Schema:
    """Every model that enters or leaves, by name."""
    models: dict[type[BaseModel], JsonSchemaMode] = {}
    for endpoint in endpoints:
        if endpoint.body is not None:
            models[endpoint.body] = "validation"
        answer = answer_of(endpoint)
        if issubclass(answer, BaseModel):
            models[answer] = "serialization"
    definitions: Schema = models_json_schema(list(models.items()), ref_template=REF)[1].get("$defs", {})
    return dict(sorted(definitions.items()))


def _operation(endpoint: Endpoint) -> Schema:
    operation: Schema = {
        "operationId": endpoint.name,
        "tags": [endpoint.tag],
        "summary": (inspect.getdoc(endpoint.view) or "").partition("\n")[0],
        "parameters": [*_path_parameters(endpoint), *_query_parameters(endpoint)],
    }
    if endpoint.body is not None:
        operation["requestBody"] = _request_body(endpoint.body)
    operation["responses"] = {
        **{str(status): _success(endpoint, status) for status in endpoint.statuses},
        **{str(s): {"$ref": f"#/components/responses/{_refusal_name(s)}"} for s in sorted(_refusals(endpoint))},
    }
    operation["security"] = [{"bearer": []}] if endpoint.takes_actor else []
    return operation


def _path_parameters(endpoint: Endpoint) -> Iterator[Schema]:
    for name in _VARIABLE.findall(endpoint.path):
        is_uuid = endpoint.hints.get(name) is UUID
        schema = {"type": "string", "format": "uuid"} if is_uuid else {"type": "string", "minLength": 1}
        yield {"name": name, "in": "path", "required": True, "schema": schema}


def _query_parameters(endpoint: Endpoint) -> Iterator[Schema]:
    if endpoint.query is None:
        return
    model = endpoint.query.model_json_schema()
    for name, schema in model["properties"].items():
        yield {
            "name": name,
            "in": "query",
            "required": name in model.get("required", ()),
            "schema": _without_null(schema),
        }


def _without_null(schema: Schema) -> Schema:
    """A parameter is left out, never null."""
    choices = [choice for choice in schema.get("anyOf", ()) if choice != {"type": "null"}]
    kept = {key: value for key, value in schema.items() if key != "title" and (key, value) != ("default", None)}
    if len(choices) == 1:
        del kept["anyOf"]
        kept |= choices[0]
    return kept


def _request_body(body: type[BaseModel]) -> Schema:
    is_optional = not any(field.is_required() for field in body.model_fields.values())
    return {
        "required": not is_optional,
        "content": {JSON: {"schema": {"$ref": REF.format(model=body.__name__)}}},
    }


def _success(endpoint: Endpoint, status: int) -> Schema:
    answer = answer_of(endpoint)
    if issubclass(answer, BaseModel):
        content = {JSON: {"schema": {"$ref": REF.format(model=answer.__name__)}}}
    else:
        kind = answer.default_mimetype or JSON
        content = {kind: {"schema": {"type": "object" if kind == JSON else "string"}}}
    headers = {"X-Request-Id": {"$ref": "#/components/headers/X-Request-Id"}}
    return {"description": HTTPStatus(status).phrase, "headers": headers, "content": content}


def _refusals(endpoint: Endpoint) -> set[int]:
    """The statuses with which this endpoint may refuse."""
    found = {500}
    is_write = endpoint.method != "GET"
    signs_in = endpoint.tag == "accounts" and not endpoint.takes_actor
    if endpoint.takes_actor or signs_in:
        found |= {401, 403, 429, 503}
    if endpoint.body is not None:
        found |= {400, 413, 415}
    if is_write:
        found |= {409, 422}
    if endpoint.query is not None or _names_text(endpoint):
        found.add(422)
    if "<" in endpoint.path or any(_NAMES_SOMETHING.search(name) for name in _field_names(endpoint)):
        found.add(404)
    return found


def _names_text(endpoint: Endpoint) -> bool:
    return any(endpoint.hints.get(name) is str for name in _VARIABLE.findall(endpoint.path))


def _field_names(endpoint: Endpoint) -> Iterator[str]:
    for model in (endpoint.body, endpoint.query):
        if model is not None:
            yield from model.model_fields


def _statuses_of_refusals() -> list[int]:
    return sorted({code.status for code in ErrorCode})


def _refusal_name(status: int) -> str:
    return f"Error{status}"


def _refusal(status: int) -> Schema:
    """The answer of every refusal with this status, with the codes that it may carry."""
    codes = [code for code in ErrorCode if code.status == status]
    headers = ["X-Request-Id"]
    if status in {429, 503}:
        headers.append("Retry-After")
    if status == 401:
        headers.append("WWW-Authenticate")
    narrowed = {"properties": {"error": {"properties": {"code": {"enum": [code.name for code in codes]}}}}}
    return {
        "description": "\n".join(f"- `{code.name}`: {code.korean} {code.english}" for code in codes),
        "headers": {name: {"$ref": f"#/components/headers/{name}"} for name in headers},
        "content": {JSON: {"schema": {"allOf": [{"$ref": REF.format(model="Error")}, narrowed]}}},
    }


def error_body(*, of_request: bool) -> Schema:
    """What `render_error` makes; only an answer to a request carries the request's id."""
    properties: dict[str, Any] = {
        "code": {"type": "string", "enum": [code.name for code in ErrorCode]},
        "message": {"type": "string", "description": "For people, in the reader's language."},
        "details": {"type": "object", "description": "What the code is about, e.g. the wrong `fields`."},
        "retry_after_ms": {"type": "integer", "minimum": 0, "description": "Where it helps to wait."},
    }
    required = ["code", "message", "details"]
    if of_request:
        properties["request_id"] = REQUEST_ID["schema"]
        required.append("request_id")
    return {"type": "object", "required": required, "properties": properties, "additionalProperties": False}


ERROR: Schema = {
    "type": "object",
    "description": "Every refusal.",
    "required": ["error"],
    "properties": {"error": error_body(of_request=True)},
    "additionalProperties": False,
}
