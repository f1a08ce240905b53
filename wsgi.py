"""Entry point of the web processes and of the `flask` commands."""

from webapp.app import create_app

app = create_app()
