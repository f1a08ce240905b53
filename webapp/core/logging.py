"""JSON logs, one object a line, with the request's id; never a message text, a name or a token."""

from __future__ import annotations

import contextvars
import logging
import sys
import traceback
from typing import Any

import orjson

from webapp.core import clock

request_id: contextvars.ContextVar[str | None] = contextvars.ContextVar("request_id", default=None)

DESCRIBED_LINES = 100
FRAMES = 20

_STANDARD = set(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class JsonFormatter(logging.Formatter):
    """Time, level, logger, message, request id, and what was given as `extra`."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "at": clock.now(),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if (current := request_id.get()) is not None:
            line["request_id"] = current
        line |= {name: value for name, value in vars(record).items() if name not in _STANDARD}
        if record.exc_info and record.exc_info[1] is not None:
            line["exception"] = described(record.exc_info[1])
        return orjson.dumps(line, default=str, option=orjson.OPT_UTC_Z).decode()


def described(error: BaseException) -> list[str]:
    """An error as its types and places, causes last; its words may hold what people wrote, so they are left out."""
    lines: list[str] = []
    found: BaseException | None = error
    while found is not None and len(lines) < DESCRIBED_LINES:
        lines.append(f"{type(found).__module__}.{type(found).__qualname__}")
        frames = traceback.extract_tb(found.__traceback__)[-FRAMES:]
        lines.extend(f"  {frame.filename}:{frame.lineno} {frame.name}" for frame in frames)
        found = found.__cause__ or found.__context__
    return lines


def configure(level: str) -> None:
    """Send every logger of this process to standard error as JSON."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
