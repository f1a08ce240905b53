"""The documentation as one page without scripts: fast, readable by everybody, and strict about what it loads."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

from flask import render_template

from webapp.api.docs_prose import INTRODUCTION, LABELS, SOCKET, TAGS, Language
from webapp.api.openapi import Schema
from webapp.core.errors import ErrorCode

TEMPLATES = Path(__file__).parents[1] / "templates"
METHODS = ("get", "post", "put", "patch", "delete")

_BY_NAME: dict[str, Any] = {
    "access_token": "eyJhbGciOi…",
    "anonymous_name": "익명 3",
    "code": "k7Qm2xPa",
    "content": "안녕하세요",
    "cursors": {},
    "description": "시험 기간 스터디",
    "display_name": "김민지",
    "email": "minji@example.com",
    "emoji": "👍",
    "locale": "ko",
    "new_password": "낯선 사람은 모를 말",
    "options": ["김밥", "라면"],
    "password": "낯선 사람은 모를 말",
    "question": "점심은?",
    "reactions": {},
    "refresh_token": "eyJhbGciOi…",
    "role": "member",
    "room_name": "일반",
    "team_name": "알고리즘",
    "user_id": "u-minji",
    "user_ids": ["u-minji", "u-junho"],
    "username": "minji",
}
_BY_FORMAT = {"uuid": "3f2b8c1e-5a4d-4e6f-9a7b-1c2d3e4f5a6b", "date-time": "2026-03-02T09:00:00Z"}


def render(api: Schema, socket: Schema, language: Language) -> tuple[str, str]:
    """The page, and the policy that allows its one style sheet and nothing else."""
    style = (TEMPLATES / "docs.css").read_text(encoding="utf-8")
    schemas = {**socket["$defs"], **api["components"]["schemas"]}
    html = render_template(
        "docs.html",
        api=api,
        socket=socket,
        schemas=dict(sorted(schemas.items())),
        groups=_groups(api),
        codes=ErrorCode,
        language=language,
        labels=LABELS[language],
        tags={tag: words[language] for tag, words in TAGS.items()},
        introduction=INTRODUCTION[language],
        socket_rules=SOCKET[language],
        example=lambda schema: json.dumps(example(schema, schemas), ensure_ascii=False, indent=2),
        style=style,
    )
    return html, _policy(style)


def example(schema: Schema, schemas: Schema, name: str = "") -> Any:
    """A value of this schema such as one would meet."""
    if "$ref" in schema:
        return example(schemas[schema["$ref"].rpartition("/")[2]], schemas, name)
    if name in _BY_NAME:
        return _BY_NAME[name]
    for choice in ("const", "default"):
        if choice in schema:
            return schema[choice]
    for choices in ("enum", "anyOf", "oneOf"):
        if choices in schema:
            first = schema[choices][0]
            return first if choices == "enum" else example(first, schemas, name)
    if schema.get("type") == "object":
        return {key: example(value, schemas, key) for key, value in schema.get("properties", {}).items()}
    if schema.get("type") == "array":
        return [example(schema["items"], schemas)] if "items" in schema else []
    if schema.get("type") == "string":
        return _BY_FORMAT.get(schema.get("format", ""), "…")
    return {"integer": max(1, schema.get("minimum", 1)), "boolean": False}.get(schema.get("type", ""))


def _groups(api: Schema) -> dict[str, list[Schema]]:
    """The operations by tag, in the order of the URL table."""
    groups: dict[str, list[Schema]] = {tag["name"]: [] for tag in api["tags"]}
    for path, operations in api["paths"].items():
        for method in METHODS:
            if method in operations:
                operation = operations[method]
                groups[operation["tags"][0]].append({**operation, "method": method.upper(), "path": path})
    return groups


def _policy(style: str) -> str:
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
