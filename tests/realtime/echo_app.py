"""A small Flask app over the socket engine, served by a real gunicorn in the engine's tests."""

from __future__ import annotations

import os
from collections import Counter
from typing import Any

import flask_sock
import gevent
from flask import Flask, jsonify, request

from webapp.realtime import engine

flask_sock.Server = engine.Socket

app = Flask(__name__)
if os.environ.get("HASTY"):
    app.config["SOCK_SERVER_OPTIONS"] = {"limits": engine.Limits(ping_seconds=0.5, silence_seconds=2, close_seconds=2)}
sock = flask_sock.Sock(app)
rooms: dict[str, engine.Socket] = {}
ended: dict[str, list[Any]] = {}
answered: Counter[str] = Counter()


def converse(name: str, socket: engine.Socket) -> None:
    """Echo, except for `reply N`, which is answered by N frames of 8 KiB in one reply."""
    while True:
        text = socket.receive()
        assert text is not None
        if text.startswith("reply "):
            socket.send_reply(b"".join(numbered(each, 8192) for each in range(int(text.split()[1]))))
        else:
            socket.send(text)
        answered[name] += 1


def numbered(number: int, size: int) -> bytes:
    """One frame that tells its own number and length."""
    return engine.frame(f"{number}:".encode().ljust(size, b"x"))


@sock.route("/echo")  # type: ignore[untyped-decorator]
def echo(socket: engine.Socket) -> None:
    """A client known by `?name=`; what its handler was told at the end can be asked at /ended."""
    name = request.args.get("name", "")
    rooms[name] = socket
    try:
        converse(name, socket)
    except engine.ConnectionClosed as closed:
        ended[name] = [closed.code, closed.reason]
        raise
    finally:
        rooms.pop(name, None)


@sock.route("/deaf")  # type: ignore[untyped-decorator]
def deaf(socket: engine.Socket) -> None:
    """A handler that reads nothing until it is told to at /hear."""
    name = request.args["name"]
    rooms[name] = socket
    while name in rooms:
        gevent.sleep(0.02)
    converse(name, socket)


@sock.route("/brief")  # type: ignore[untyped-decorator]
def brief(socket: engine.Socket) -> None:
    """A handler that waits a moment for a message, says what it got, and returns."""
    socket.send(repr(socket.receive(timeout=0.1)))


@app.get("/hear")
def hear() -> Any:
    """Let a deaf handler read."""
    rooms.pop(request.args["name"])
    return jsonify(True)


@app.get("/open")
def how_many_open() -> Any:
    """The number of sockets that still take frames."""
    return jsonify(len(engine.open_sockets()))


@app.get("/ended")
def how_ended() -> Any:
    """What `receive` raised in the handlers that are over."""
    return jsonify(ended)


@app.get("/answered")
def how_many_answered() -> Any:
    """How many messages of one client its handler has answered."""
    return jsonify(answered[request.args["name"]])


@app.get("/burst")
def burst() -> Any:
    """Send numbered frames to one client, or to all; answers how many were taken."""
    count, size = int(request.args["count"]), int(request.args["size"])
    targets = [rooms[request.args["name"]]] if "name" in request.args else engine.open_sockets()
    droppable = "droppable" in request.args
    taken = 0
    for number in range(int(request.args.get("first", 0)), int(request.args.get("first", 0)) + count):
        encoded = numbered(number, size)
        taken += sum([target.send_frames(encoded, droppable=droppable) for target in targets])
    return jsonify(taken)


@app.get("/close")
def close() -> Any:
    """Close one client with a code, or everyone as a drain does."""
    if "name" in request.args:
        rooms[request.args["name"]].close(int(request.args["code"]), request.args.get("reason", ""))
    else:
        engine.close_all(1012, "restart")
    return jsonify(True)
