"""What the tests of bad input share: the one form that every refusal has."""

from __future__ import annotations

import json
from typing import Any

from werkzeug.test import TestResponse

from webapp.api.endpoint import JSON
from webapp.core.errors import ErrorCode


def refused(response: TestResponse) -> tuple[int, str]:
    """The status and code of a refusal, which must have the one form that all have."""
    assert response.mimetype == JSON, response.text
    body = response.json
    assert body is not None
    error = body["error"]
    assert body.keys() == {"error"}
    assert error.keys() - {"retry_after_ms"} == {"code", "message", "details", "request_id"}
    assert error["request_id"] == response.headers["X-Request-Id"]
    assert ErrorCode[error["code"]].status == response.status_code
    assert 400 <= response.status_code < 500
    return response.status_code, error["code"]


def told(response: TestResponse) -> dict[str, Any]:
    """What a refusal says, whichever request it was."""
    error: dict[str, Any] = json.loads(response.text)["error"]
    return {name: value for name, value in error.items() if name != "request_id"}


def field_at_fault(response: TestResponse) -> str:
    return str(told(response)["details"]["fields"][0]["field"])
