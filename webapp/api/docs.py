"""The documentation over HTTP: the OpenAPI document, the socket's schemas, and a page that shows both."""

from __future__ import annotations

from functools import cache
from typing import TypeVar

import orjson
from flask import Response, current_app, request

from webapp.api import docs_page, event_schemas
from webapp.api import openapi as openapi_document
from webapp.api.docs_prose import Language
from webapp.api.endpoint import JSON, Endpoint
from webapp.schemas.docs import DocsQuery

Endpoints = tuple[Endpoint, ...]
Kind = TypeVar("Kind", bound=Response)


class JsonDocument(Response):
    default_mimetype = JSON


class HtmlPage(Response):
    default_mimetype = "text/html"


def openapi() -> JsonDocument:
    """This API as an OpenAPI 3.1 document."""
    return _cacheable(JsonDocument(_openapi(_served())))


def events() -> JsonDocument:
    """The socket's events, commands, answers and close codes as one JSON Schema document."""
    return _cacheable(JsonDocument(_events()))


def page(query: DocsQuery) -> HtmlPage:
    """This API and the socket, to browse."""
    language = query.lang or _preferred()
    html, policy = _page(_served(), language)
    response = HtmlPage(html)
    response.headers["Content-Security-Policy"] = policy
    response.headers["Content-Language"] = language
    response.vary.add("Accept-Language")
    return _cacheable(response)


def _preferred() -> Language:
    return "en" if request.accept_languages.best_match(["ko", "en"]) == "en" else "ko"


def _served() -> Endpoints:
    """The endpoints that this application has registered, in the order of the URL table."""
    return tuple(view for view in current_app.view_functions.values() if isinstance(view, Endpoint))


@cache
def _openapi(endpoints: Endpoints) -> bytes:
    return orjson.dumps(openapi_document.build(endpoints))


@cache
def _events() -> bytes:
    return orjson.dumps(event_schemas.build())


@cache
def _page(endpoints: Endpoints, language: Language) -> tuple[str, str]:
    return docs_page.render(openapi_document.build(endpoints), event_schemas.build(), language)


def _cacheable(response: Kind) -> Kind:
    response.headers["Cache-Control"] = "public, max-age=60"
    response.add_etag()
    response.make_conditional(request)
    return response
