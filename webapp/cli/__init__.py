"""The `flask` commands: a door for operators, like the API for people."""

from __future__ import annotations

from flask import Flask


def register(app: Flask) -> None:
    """Add every command to the application."""
