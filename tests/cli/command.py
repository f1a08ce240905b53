"""Running a `flask` command in this process."""

from __future__ import annotations

from click.testing import Result
from flask import Flask


def run(app: Flask, *args: object, code: int = 0) -> Result:
    """The command's output, once it ended with this exit code and without a traceback."""
    result = app.test_cli_runner().invoke(args=[str(argument) for argument in args])
    assert result.exit_code == code, result.output
    assert result.exception is None or isinstance(result.exception, SystemExit)
    assert "Traceback" not in result.output
    return result
