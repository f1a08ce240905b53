"""Every failure of a request leaves through here, as one body with one code; a fault of ours tells nothing more."""

from __future__ import annotations

import logging

import orjson
import psycopg
from flask import Flask, Response, request
from redis.exceptions import RedisError
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException

from webapp.core.errors import AppError, ErrorCode, render_error
from webapp.core.logging import request_id

log = logging.getLogger(__name__)

_BY_STATUS = {
    400: ErrorCode.malformed_json,
    404: ErrorCode.not_found,
    405: ErrorCode.method_not_allowed,
    413: ErrorCode.too_large,
    415: ErrorCode.unsupported_type,
}


def register(app: Flask) -> None:
    """Make the application answer every exception as an error body."""
    app.register_error_handler(AppError, answer)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(DBAPIError, _database)
    app.register_error_handler(psycopg.OperationalError, _unavailable)
    app.register_error_handler(PoolTimeout, _unavailable)
    app.register_error_handler(RedisError, _unavailable)
    app.register_error_handler(Exception, _fault)


def answer(error: AppError) -> Response:
    """The error as JSON, in the reader's language, with Retry-After where it helps to wait."""
    body = {"error": render_error(error, locale=_locale(), request_id=request_id.get())}
    response = Response(orjson.dumps(body, option=orjson.OPT_UTC_Z), error.code.status, mimetype="application/json")
    response.headers["Cache-Control"] = "no-store"
    if error.retry_after_ms is not None:
        response.headers["Retry-After"] = str(max(1, -(-error.retry_after_ms // 1000)))
    if error.code.status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


def _locale() -> str:
    return request.accept_languages.best_match(["ko", "en"], default="ko") or "ko"


def _http(error: HTTPException) -> Response:
    status = error.code or 500
    code = _BY_STATUS.get(status, ErrorCode.internal if status >= 500 else ErrorCode.validation_failed)
    response = answer(AppError(code))
    if error.code == 405 and "Allow" in (headers := dict(error.get_headers())):
        response.headers["Allow"] = headers["Allow"]
    return response


def _database(error: DBAPIError) -> Response:
    if isinstance(error, OperationalError) or error.connection_invalidated:
        return _unavailable(error)
    return _fault(error)


def _unavailable(error: Exception) -> Response:
    log.warning("a dependency did not answer", extra={"error": type(error).__name__})
    return answer(AppError(ErrorCode.unavailable, retry_after_ms=1_000))


def _fault(error: Exception) -> Response:
    # The exception's text may hold user content (a SQL parameter): only its type and place are logged.
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace else ""
    log.error("unexpected error", extra={"error": type(error).__name__, "place": place, "path": str(request.url_rule)})
    return answer(AppError(ErrorCode.internal))
