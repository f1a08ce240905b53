"""The socket door: flask-sock's route over an engine of our own."""

from __future__ import annotations

import flask_sock
from flask import Flask

from webapp.core.extensions import sock
from webapp.realtime.engine import Socket
from webapp.realtime.gateway import PATH, Gateway


def register(app: Flask) -> None:
    """Serve sockets at the one path, with our engine in the place of simple-websocket."""
    flask_sock.Server = Socket
    gateway = Gateway(app)
    app.before_request(gateway.refuse_foreign_origin)
    sock.route(PATH)(gateway.serve)
