"""The reads that nearly every request makes: one statement on a pooled autocommit connection, straight through psycopg.

The session's bookkeeping costs more than such a statement does. A lost connection is tried once more, as nothing was
written.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import psycopg

from webapp.core.extensions import HOT, db


def rows(statement: str, params: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """All rows of one read, decoded from the binary protocol."""
    try:
        return _rows(statement, params)
    except (psycopg.OperationalError, psycopg.InterfaceError):
        return _rows(statement, params)


def _rows(statement: str, params: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    pooled = db.engines[HOT].raw_connection()
    connection: Any = pooled.driver_connection
    try:
        found: list[tuple[Any, ...]] = connection.cursor(binary=True).execute(statement, params).fetchall()
    except BaseException:
        # Also when the greenlet was ended in the middle: what the server still sends belongs to nobody.
        pooled.invalidate()
        raise
    pooled.close()
    return found
