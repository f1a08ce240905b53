"""What every request gets: an id in the answer and the logs, security headers, and a measured duration."""

from __future__ import annotations

import re
import time
from uuid import uuid4

from flask import Flask, Response, g, request

from webapp.core import metrics
from webapp.core.logging import request_id

_GIVEN_ID = re.compile(r"[A-Za-z0-9_-]{8,64}")
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}


def register(app: Flask) -> None:
    """Put the two hooks around every request of the application."""
    app.before_request(_begin)
    app.after_request(_end)


def _begin() -> None:
    given = request.headers.get("X-Request-Id", "")
    request_id.set(given if _GIVEN_ID.fullmatch(given) else uuid4().hex)
    g.started = time.perf_counter()


def _end(response: Response) -> Response:
    response.headers["X-Request-Id"] = request_id.get() or ""
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    rule = request.url_rule.rule if request.url_rule else "unmatched"
    if "started" in g:
        metrics.http_requests.labels(request.method, rule, response.status_code).observe(
            time.perf_counter() - g.started
        )
    return response
