"""Reading a file of messages line by line, so that one bad line costs no other and no file is too large.

A record comes with the number of the line where it begins: its fields, or why it can't be read.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO, Literal

import orjson

from webapp.services.operator_errors import OperatorError

LINE_BYTES = 1 << 20
_BOM = b"\xef\xbb\xbf"

Format = Literal["csv", "jsonl"]
Fields = dict[str, Any]
Record = tuple[int, Fields | OperatorError]


class _Lines:
    """A file's lines as text. What isn't UTF-8 stays visible as such, for whoever looks at the text."""

    def __init__(self, file: BinaryIO, on_read: Callable[[int], None]) -> None:
        self.number = 0
        self._file = file
        self._on_read = on_read

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        line = self._read()
        if not line:
            raise StopIteration
        self.number += 1
        if self.number == 1:
            line = line.removeprefix(_BOM)
        if len(line) > LINE_BYTES:
            self._skip_rest(line)
            raise OperatorError("줄이 너무 깁니다", f"is longer than {LINE_BYTES} bytes")
        return line.decode("utf-8", "surrogateescape")

    def _read(self) -> bytes:
        line = self._file.readline(LINE_BYTES + 1)
        self._on_read(len(line))
        return line

    def _skip_rest(self, line: bytes) -> None:
        while line and not line.endswith(b"\n"):
            line = self._read()


def records(file: BinaryIO, form: Format, on_read: Callable[[int], None]) -> Iterator[Record]:
    """Every record of a file; blank lines are none. `on_read` hears of each number of bytes."""
    lines = _Lines(file, on_read)
    return _csv_records(lines) if form == "csv" else _jsonl_records(lines)


def _csv_records(lines: _Lines) -> Iterator[Record]:
    rows = csv.reader(lines, strict=True)
    header: list[str] | None = None
    while True:
        number = lines.number + 1
        try:
            row = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            yield number, OperatorError("CSV 형식이 아닙니다", f"is not CSV: {error}")
        except OperatorError as error:
            yield number, error
        else:
            if not row:
                continue
            if header is None:
                header = [name.strip().lower() for name in row]
                _refuse_header(header)
            else:
                yield number, _by_name(header, row)


def _refuse_header(header: list[str]) -> None:
    """Without these columns no line can be read, so nothing is."""
    missing = [name for name in ("author", "time", "text") if name not in header]
    if missing:
        names = ", ".join(missing)
        raise OperatorError(
            f"CSV 첫 줄에 {names} 열이 없습니다 (UTF-8이어야 합니다)",
            f"the CSV header has no {names} (it must be UTF-8)",
        )


def _by_name(header: list[str], row: list[str]) -> Fields | OperatorError:
    if len(row) != len(header):
        return OperatorError(
            f"열이 {len(header)}개가 아니라 {len(row)}개입니다", f"has {len(row)} columns, the header {len(header)}"
        )
    return dict(zip(header, row, strict=True))


def _jsonl_records(lines: _Lines) -> Iterator[Record]:
    while True:
        try:
            line = next(lines)
        except StopIteration:
            return
        except OperatorError as error:
            yield lines.number, error
        else:
            if line.strip():
                yield lines.number, _object(line)


def _object(line: str) -> Fields | OperatorError:
    try:
        fields = orjson.loads(line)
    except ValueError:
        fields = None
    return fields if isinstance(fields, dict) else OperatorError("JSON 객체가 아닙니다", "is not a JSON object")
