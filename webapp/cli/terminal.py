"""How commands speak: one line in Korean and English, and never a traceback for what an operator can meet."""

from __future__ import annotations

from typing import Any

import click
import orjson
from sqlalchemy.exc import DBAPIError

from webapp.core.errors import AppError
from webapp.services.operator_errors import OperatorError


class PlainCommand(click.Command):
    """A command whose refusals are one clear line and exit code 1."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run it; what was refused, or can't be reached, is said plainly."""
        try:
            return super().invoke(ctx)
        except AppError as error:
            raise click.ClickException(_told(error)) from None
        except OperatorError as error:
            raise click.ClickException(str(error)) from None
        except DBAPIError as error:
            reason = str(error.orig).strip().splitlines()[0]
            raise click.ClickException(f"데이터베이스 오류 · The database refused: {reason}") from None
        except OSError as error:
            raise click.ClickException(f"파일 오류 · A file can't be used: {error}") from None


def say(korean: str, english: str) -> None:
    """What a command did."""
    click.echo(korean)
    click.echo(english)


def _told(error: AppError) -> str:
    details = f" {orjson.dumps(error.details, default=str).decode()}" if error.details else ""
    return f"{error.code.korean} · {error.code.english}{details}"
