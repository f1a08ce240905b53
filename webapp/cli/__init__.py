"""The `flask` commands: a door for operators, like the API for people."""

from __future__ import annotations

from flask import Flask

from webapp.cli import conversations, demo, upkeep, users


def register(app: Flask) -> None:
    """Add every command to the application."""
    commands = (
        demo.group,
        users.group,
        upkeep.epoch_group,
        upkeep.recount,
        conversations.import_messages,
        conversations.export_messages,
    )
    for command in commands:
        app.cli.add_command(command)
