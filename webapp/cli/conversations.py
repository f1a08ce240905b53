"""`flask import-messages` and `flask export-messages`: conversations as files."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import BinaryIO

import click
from flask.cli import with_appcontext

from webapp.cli.terminal import PlainCommand, say
from webapp.schemas.imports import ExportedLine
from webapp.services import exporting, importing, named_rooms
from webapp.services.import_lines import Format
from webapp.services.operator_errors import OperatorError

_JSON_LINES = {".jsonl", ".ndjson"}


@click.command("import-messages", cls=PlainCommand)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--room", help="모든 줄을 이 채팅방에(이름 또는 ID) · One room, by name or id, for all lines")
@click.option("--format", "form", type=click.Choice(["csv", "jsonl"]), help="없으면 확장자로 · Default: by the suffix")
@click.option("--create-missing", is_flag=True, help="없는 방과 작성자를 만듦 · Make missing rooms and authors")
@with_appcontext
def import_messages(file: Path, room: str | None, form: Format | None, create_missing: bool) -> None:
    """메시지를 파일에서 가져옵니다(room, author, time, text). · Import messages from a file.

    CSV with a header, or JSON lines, in UTF-8. A time without a zone is Korean time. Running it again adds nothing,
    and goes on where it was interrupted. The same room, author, time and text is the same message, as often as one
    file says it.
    """
    form = form or ("jsonl" if file.suffix.lower() in _JSON_LINES else "csv")
    with file.open("rb") as source, click.progressbar(length=file.stat().st_size, label="가져오기 · Import",
                                                      file=sys.stderr) as bar:  # fmt: skip
        imported = importing.import_messages(
            source, form, room=room, create_missing=create_missing, on_read=bar.update, on_refused=_tell_refused
        )
    say(
        f"추가 {imported.added}개, 이미 있음 {imported.known}개, 오류 {imported.refused}개.",
        f"{imported.added} added, {imported.known} known already, {imported.refused} refused.",
    )
    if imported.refused:
        raise SystemExit(1)


def _tell_refused(number: int, error: OperatorError) -> None:
    click.echo(f"\n{number}번째 줄 · line {number}: {error}", err=True)


@click.command("export-messages", cls=PlainCommand)
@click.argument("room")
@click.argument("file", type=click.File("wb", atomic=True))
@with_appcontext
def export_messages(room: str, file: BinaryIO) -> None:
    """채팅방(이름 또는 ID)의 메시지를 JSON 줄로 내보냅니다. · Export a room as JSON lines; `-` is standard output.

    Withdrawn messages and those of the system stay out; in a blind room authors appear as labels.
    """
    count = 0
    for line in exporting.export_messages(named_rooms.get(room)):
        file.write(_encoded(line))
        count += 1
    click.echo(f"메시지 {count}개를 내보냈습니다. · Exported {count} messages.", err=True)


def _encoded(line: ExportedLine) -> bytes:
    return line.model_dump_json().encode() + b"\n"
