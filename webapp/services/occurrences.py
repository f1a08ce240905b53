"""How often each key has come so far, in a temporary table on disk: a file of any length needs the same memory."""

from __future__ import annotations

import sqlite3
from types import TracebackType
from uuid import UUID

_COUNT = """
INSERT INTO seen VALUES (?, 1) ON CONFLICT (key) DO UPDATE SET amount = amount + 1 RETURNING amount
"""


class Occurrences:
    """Counts keys while it is open; nothing is left of it after."""

    def __enter__(self) -> Occurrences:
        # An empty name is a private file that SQLite removes; one transaction that never ends spares all syncing.
        self._table = sqlite3.connect("")
        self._table.execute("CREATE TABLE seen (key BLOB PRIMARY KEY, amount INTEGER) WITHOUT ROWID")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._table.close()

    def count(self, key: UUID) -> int:
        """The place of this occurrence of a key: 1 for the first."""
        (amount,) = self._table.execute(_COUNT, (key.bytes,)).fetchone()
        return int(amount)
