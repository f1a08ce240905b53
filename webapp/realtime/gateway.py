"""The socket route: who may connect, and what each command does."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import TypeVar
from urllib.parse import urlsplit
from uuid import UUID

import gevent
import psycopg
from flask import Flask, request
from gevent.lock import BoundedSemaphore
from redis.exceptions import RedisError
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from webapp.config import Config
from webapp.core import metrics
from webapp.core.errors import AppError, ErrorCode
from webapp.core.ids import time_ordered_id
from webapp.domain import limits
from webapp.domain.permissions import Actor
from webapp.realtime import protocol
from webapp.realtime.connections import Connection
from webapp.realtime.engine import ConnectionClosed, Socket
from webapp.realtime.hub import Hub
from webapp.realtime.protocol import Malformed, Refused
from webapp.schemas import commands
from webapp.schemas.messages import SendMessage
from webapp.schemas.rooms import MarkRead
from webapp.services import auth, messages, presence, read_state, sync, tickets, typing

T = TypeVar("T")
log = logging.getLogger(__name__)
PATH = "/api/v1/chats/ws"
# Together below the size of each pool of connections.
ARRIVING_AT_ONCE = 6
SYNCING_AT_ONCE = 6
# What is raised while the database or Redis is away.
AWAY = (DBAPIError, psycopg.OperationalError, PoolTimeout, RedisError)


class FrameBudget:
    """So many frames a minute on one socket, in bursts of up to a minute's worth; 0 a minute means no limit."""

    def __init__(self, per_minute: float) -> None:
        self._per_minute = self._left = per_minute
        self._at = time.monotonic()

    def spend(self) -> bool:
        """Count a frame; False when it is one too many."""
        if self._per_minute == 0:
            return True
        now = time.monotonic()
        self._left = min(self._per_minute, self._left + (now - self._at) * self._per_minute / 60)
        self._at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True


class Gateway:
    """Sockets of one process: opened here, served here, and handed to the hub in between."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._config: Config = app.config["FOCUSMATE"]
        self._hub: Hub | None = None
        # In a reconnect storm sockets queue here, in order, instead of emptying the connection pools.
        self._arriving = BoundedSemaphore(ARRIVING_AT_ONCE)
        self._syncing = BoundedSemaphore(SYNCING_AT_ONCE)

    def refuse_foreign_origin(self) -> None:
        """A page of another site gets no socket; whoever sends no Origin is no browser."""
        if request.path == PATH and not self._is_origin_allowed():
            raise AppError(ErrorCode.permission_denied, {"header": "Origin"})

    def serve(self, socket: Socket) -> None:
        """One connection from its credentials to its end.

        Nothing may leave this function: it would be written into the stream as an HTTP answer.
        """
        try:
            with self._arriving:
                connection = self._admit(socket)
            if connection is not None:
                self._accompany(connection)
        except ConnectionClosed:
            pass
        except AWAY as error:
            log.warning("a socket was turned away", extra={"error": type(error).__name__})
            socket.close(protocol.TRY_LATER, "unavailable")
        except Exception:
            log.exception("a socket's handler failed")
            socket.close(protocol.INTERNAL)

    def _accompany(self, connection: Connection) -> None:
        hub = self._hub_of_this_process()
        is_drained = False
        metrics.sockets_open.inc()
        try:
            with self._arriving:
                hub.enter(connection)
            gevent.spawn(self._came, connection)
            self._converse(connection)
        except ConnectionClosed as closed:
            is_drained = closed.code == protocol.DRAIN
            raise
        finally:
            metrics.sockets_open.dec()
            hub.leave(connection)
            if is_drained:
                self._moved(connection)
            else:
                gevent.spawn(self._went, connection)

    # -- coming and going ----------------------------------------------------------------------------------------

    def _admit(self, socket: Socket) -> Connection | None:
        """A connection for good credentials; others are accepted and closed, as browsers can't see a refusal."""
        try:
            credentials = self._credentials()
        except AppError as error:
            socket.close(_closing_code(error), error.code.name)
            return None
        return Connection(socket, credentials.actor, credentials.expires_at, str(time_ordered_id()))

    def _credentials(self) -> auth.Credentials:
        ticket, token = request.args.get("ticket"), request.args.get("token")
        if ticket is not None:
            return auth.verify(tickets.redeem(ticket))
        if token is None:
            raise AppError(ErrorCode.unauthenticated)
        return auth.verify(token)

    def _is_origin_allowed(self) -> bool:
        origin = request.headers.get("Origin")
        if origin is None or origin in self._config.allowed_origins:
            return True
        try:
            return urlsplit(origin).netloc == request.host
        except ValueError:
            return False

    def _came(self, connection: Connection) -> None:
        self._in_app(lambda: presence.came(connection.actor.user_id, connection.connection_id))

    def _went(self, connection: Connection) -> None:
        gevent.sleep(presence.GONE_AFTER_SECONDS)
        self._in_app(lambda: presence.went(connection.actor.user_id, connection.connection_id))

    def _moved(self, connection: Connection) -> None:
        self._in_app(lambda: presence.moved(connection.actor.user_id, connection.connection_id))

    def _hub_of_this_process(self) -> Hub:
        if self._hub is None:
            self._hub = Hub(self._app)
            self._hub.start()
        return self._hub

    # -- commands ------------------------------------------------------------------------------------------------

    def _converse(self, connection: Connection) -> None:
        budget = FrameBudget(limits.FRAMES_PER_MINUTE * self._config.rate_limit_factor)
        while True:
            text = connection.socket.receive()
            if text is None:
                continue
            if not budget.spend():
                connection.socket.close(protocol.TOO_FAST, "too many frames")
                return
            try:
                command = protocol.parsed(text)
            except Malformed:
                connection.socket.close(protocol.BAD_COMMAND, "bad command")
                return
            except Refused as refused:
                connection.socket.send_frames(
                    protocol.refusal(refused.command_id, refused.error, connection.actor.locale)
                )
                continue
            metrics.frames_received.labels(command.type).inc()
            connection.socket.send_reply(self._answer(connection, command))

    def _answer(self, connection: Connection, command: commands.AnyCommand) -> bytes:
        try:
            return protocol.answer(command.id, self._run(connection, command))
        except AppError as error:
            return protocol.refusal(command.id, error, connection.actor.locale)
        except AWAY:
            unavailable = AppError(ErrorCode.unavailable, retry_after_ms=1_000)
            return protocol.refusal(command.id, unavailable, connection.actor.locale)

    def _run(self, connection: Connection, command: commands.AnyCommand) -> bytes:
        """The answer's data as JSON."""
        actor = connection.actor
        match command:
            case commands.SendCommand():
                return self._send(actor, command)
            case commands.SyncCommand():
                with self._syncing:
                    return self._in_app(lambda: sync.sync(actor, command.cursors))
            case commands.ReadCommand():
                marks = self._in_app(lambda: read_state.read(actor, command.room_id, MarkRead(seq=command.seq)))
                return marks.model_dump_json().encode()
            case commands.TypingCommand():
                self._type(connection, command.room_id)
            case commands.AuthCommand():
                self._renew(connection, command.token)
            case commands.PingCommand():
                pass
        return b"{}"

    def _send(self, actor: Actor, command: commands.SendCommand) -> bytes:
        fields = command.model_dump(exclude={"id", "type", "room_id"}, exclude_unset=True)
        body = SendMessage.model_construct(**fields)
        sent = self._in_app(lambda: messages.send(actor, command.room_id, body))
        return b'{"message":' + sent.message.model_dump_json().encode() + b"}"

    def _type(self, connection: Connection, room_id: UUID) -> None:
        """Typing is passed on at most every three seconds a room."""
        follow = connection.follows.get(room_id)
        if follow is None:
            raise AppError(ErrorCode.room_not_found)
        now = time.monotonic()
        if now - connection.typed_at.get(room_id, -1e9) < limits.TYPING_THROTTLE.total_seconds():
            return
        connection.typed_at[room_id] = now
        delay = self._in_app(lambda: typing.announcement(room_id, follow.member_id))
        if delay is not None:
            gevent.spawn_later(delay.seconds, delay.publish)

    def _renew(self, connection: Connection, token: str) -> None:
        credentials = self._in_app(lambda: auth.verify(token))
        if credentials.actor.user_id != connection.actor.user_id:
            raise AppError(ErrorCode.token_invalid)
        connection.actor, connection.expires_at = credentials.actor, credentials.expires_at
        connection.auth_rev, connection.warned = credentials.actor.auth_rev, False

    def _in_app(self, call: Callable[[], T]) -> T:
        with self._app.app_context():
            return call()


def _closing_code(error: AppError) -> int:
    codes = {
        ErrorCode.account_suspended: protocol.SUSPENDED,
        ErrorCode.not_found: protocol.NO_TICKET,
        ErrorCode.unavailable: protocol.TRY_LATER,
    }
    return codes.get(error.code, protocol.BAD_TOKEN)
