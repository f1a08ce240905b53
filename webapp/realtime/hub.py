"""All that one process knows about its sockets: who is connected, which rooms they follow, and how far each room is.

Redis brings events early; the log is what they are checked against. Whatever Redis loses is found by the heads check.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from functools import partial
from typing import TypeVar
from uuid import UUID

import gevent
import psycopg
from flask import Flask
from gevent.lock import BoundedSemaphore
from gevent.queue import Full, Queue
from sqlalchemy.exc import SQLAlchemyError

from webapp.core import clock, metrics
from webapp.core.errors import AppError, ErrorCode
from webapp.domain import limits
from webapp.events import types as events
from webapp.events.publisher import Letter, LogEntry, MarkUpdate, Signal, decode, room_channel, user_channel
from webapp.realtime import protocol
from webapp.realtime.connections import Connection, Follow
from webapp.realtime.frames import frame
from webapp.realtime.streams import RoomStream
from webapp.realtime.subscriber import Subscriber
from webapp.services import auth, presence, rooms, sync
from webapp.services.sync import Membership, Standing

log = logging.getLogger(__name__)
T = TypeVar("T")

QUEUE_BOUND = 20_000
GAP_SECONDS = 0.05
HEADS_SECONDS = 3.0
HEADS_SECONDS_WITHOUT_REDIS = 1.0
ACKNOWLEDGED_SECONDS = 1.0
CATCH_UPS_AT_ONCE = 8
CATCH_UP_PAGES = 200
PRESENCE_SECONDS = 25.0
# What is raised while the database is away, by the ORM and by the hot reads.
AWAY = (SQLAlchemyError, psycopg.Error)


class Hub:
    """One per process, started with its first socket."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        self.people: dict[str, set[Connection]] = {}
        self.streams: dict[UUID, RoomStream] = {}
        self._epoch: str | None = None
        self._queue: Queue[tuple[str, bytes]] = Queue(QUEUE_BOUND)
        self._look_now = gevent.event.Event()
        self._catching_up = BoundedSemaphore(CATCH_UPS_AT_ONCE)
        self._reconciling: dict[str, BoundedSemaphore] = {}
        self._subscriber = Subscriber(self._received, self._look_now.set)

    def start(self) -> None:
        """Begin reading Redis, fanning out, and checking heads."""
        self._subscriber.start()
        gevent.spawn(self._fan_out_forever)
        gevent.spawn(self._check_heads_forever)
        gevent.spawn(self._keep_presence_forever)

    # -- connections ---------------------------------------------------------------------------------------------

    def enter(self, connection: Connection) -> None:
        """Follow all rooms of the account with their events held, say `hello`, then release what was held."""
        with connection.lock:
            self._enter(connection, connection.actor.user_id)

    def _enter(self, connection: Connection, user_id: str) -> None:
        self._subscriber.follow([user_channel(user_id)])
        self.people.setdefault(user_id, set()).add(connection)
        self._subscriber.wait([user_channel(user_id)], ACKNOWLEDGED_SECONDS)
        standing = self._in_app(lambda: sync.standing(user_id))
        connection.rooms_rev, connection.shows_receipts = standing.rooms_rev, standing.shows_receipts
        self._follow(connection, standing.memberships)
        hello = self._in_app(lambda: sync.hello(connection.actor))
        if self._epoch != hello.epoch:
            self._epoch = self._epoch or hello.epoch
            self._look_now.set()
        # A room that was joined since is not followed yet: it comes as `room_created`.
        known = [room for room in hello.rooms if room.room_id in connection.follows]
        greeting = hello.model_copy(update={"rooms": known}).model_dump_json().encode()
        connection.socket.send_reply(frame(b'{"type":"hello","data":' + greeting + b"}"))
        connection.release_all()

    def leave(self, connection: Connection) -> None:
        """Forget a closed connection."""
        user_id = connection.actor.user_id
        with connection.lock:
            others = self.people.get(user_id, set())
            others.discard(connection)
            if not others:
                self.people.pop(user_id, None)
            for room_id in list(connection.follows):
                self._unfollow(connection, room_id)
            self._subscriber.leave([user_channel(user_id)])

    def _follow(self, connection: Connection, memberships: Iterable[Membership]) -> None:
        """Subscribe, place new streams at the heads read after that, and register with events held."""
        wanted = [m for m in memberships if m.room_id not in connection.follows]
        channels = [room_channel(m.room_id) for m in wanted]
        self._subscriber.follow(channels)
        try:
            self._subscriber.wait(channels, ACKNOWLEDGED_SECONDS)
            self._place([m.room_id for m in wanted])
        except BaseException:
            self._subscriber.leave(channels)
            for membership in wanted:
                self._drop_unused(membership.room_id)
            raise
        for membership in wanted:
            stream = self.streams[membership.room_id]
            since = max(stream.cursor or 0, membership.changed_seq)
            follow = Follow(membership.member_id, membership.visible_from, membership.hidden, since, [])
            stream.follows[connection] = follow
            connection.follows[membership.room_id] = follow

    def _place(self, room_ids: list[UUID]) -> None:
        """Let each of these rooms have a stream with a cursor, also one whose last socket leaves meanwhile."""
        while new := [room_id for room_id in room_ids if self._stream(room_id).cursor is None]:
            heads = self._in_app(partial(sync.room_heads, new))
            for room_id in new:
                stream = self._stream(room_id)
                if stream.cursor is None:
                    stream.move_to(heads.get(room_id, 0))
                    self._offer(stream, [])

    def _stream(self, room_id: UUID) -> RoomStream:
        return self.streams.setdefault(room_id, RoomStream(room_id, self._unfollow))

    def _unfollow(self, connection: Connection, room_id: UUID) -> None:
        connection.follows.pop(room_id, None)
        self._subscriber.leave([room_channel(room_id)])
        stream = self.streams.get(room_id)
        if stream is not None:
            stream.follows.pop(connection, None)
            self._drop_unused(room_id)

    def _drop_unused(self, room_id: UUID) -> None:
        stream = self.streams.get(room_id)
        if stream is not None and not stream.follows:
            del self.streams[room_id]

    # -- what Redis brings ---------------------------------------------------------------------------------------

    def _received(self, channel: str, body: bytes) -> None:
        try:
            self._queue.put_nowait((channel, body))
        except Full:
            self._look_now.set()

    def _fan_out_forever(self) -> None:
        while True:
            channel, body = self._queue.get()
            try:
                kind, _, name = channel.partition(":")
                if kind == "room":
                    self._fan_out(UUID(name), body)
                elif kind == "user":
                    self._take_letter(name, decode(body))
            except Exception:
                log.exception("a publication could not be delivered")

    def _fan_out(self, room_id: UUID, body: bytes) -> None:
        stream = self.streams.get(room_id)
        if stream is None:
            return
        match decode(body):
            case list() as entries:
                self._offer(stream, entries)
            case Signal() as item:
                stream.signal(item)
            case MarkUpdate() as update:
                stream.tell_marks(update)

    def _offer(self, stream: RoomStream, entries: list[LogEntry]) -> None:
        if not stream.offer(entries):
            self._time_gap(stream)

    def _time_gap(self, stream: RoomStream) -> None:
        if not stream.is_gap_timed:
            stream.is_gap_timed = True
            gevent.spawn_later(GAP_SECONDS, self._close_gap, stream)

    def _close_gap(self, stream: RoomStream) -> None:
        stream.is_gap_timed = False
        if stream.waiting:
            self._catch_up(stream)

    def _take_letter(self, user_id: str, letter: object) -> None:
        if not isinstance(letter, Letter):
            return
        connections = list(self.people.get(user_id, ()))
        if letter.payload:
            for connection in connections:
                connection.tell(letter.payload)
        for connection in connections:
            if connection.connection_id in letter.closing:
                connection.socket.close(protocol.TOO_MANY_SOCKETS, "another socket was opened")
        if letter.auth_rev is not None:
            gevent.spawn(self._guarded, self._revoke, user_id)
        if letter.rooms_rev is not None:
            gevent.spawn(self._guarded, self._reconcile, user_id)

    # -- catching up ---------------------------------------------------------------------------------------------

    def _catch_up(self, stream: RoomStream) -> None:
        """Read a room's log from the stream's cursor; one reader a room, a few rooms at once."""
        if stream.is_catching_up or stream.cursor is None:
            return
        stream.is_catching_up = True
        metrics.catch_ups.inc()
        try:
            with self._catching_up:
                for _ in range(CATCH_UP_PAGES):
                    cursor = stream.cursor
                    entries, through = self._in_app(partial(sync.log_entries, stream.room_id, cursor))
                    is_cut = through > cursor and len(entries) >= limits.CHANGES_PER_ROOM
                    stream.replay(entries, through, is_cut=is_cut)
                    if not is_cut:
                        break
            if stream.waiting and stream.follows:
                self._time_gap(stream)
        except (AppError, *AWAY) as error:
            log.warning("catching up failed", extra={"error": type(error).__name__})
        finally:
            stream.is_catching_up = False

    def _check_heads_forever(self) -> None:
        while True:
            healthy = self._subscriber.is_healthy
            self._look_now.wait(HEADS_SECONDS if healthy else HEADS_SECONDS_WITHOUT_REDIS)
            self._look_now.clear()
            self._guarded(self._check_heads)

    def _check_heads(self) -> None:
        """One look at the database for everything that Redis may not have told."""
        if not self.people:
            return
        self._renew_or_end()
        sessions = [c.actor.session_id for group in self.people.values() for c in group if c.actor.session_id]
        # As they are before the look: Redis may move them past the heads that it finds.
        cursors = {room_id: stream.cursor or 0 for room_id, stream in self.streams.items()}
        found = self._in_app(partial(sync.heads, list(cursors), list(self.people), sessions))
        if self._is_another_life(found, cursors):
            self._begin_anew(found)
            return
        behind = [room_id for room_id, head in found.rooms.items() if self._is_behind(room_id, head)]
        if behind and self._subscriber.is_healthy:
            gevent.sleep(GAP_SECONDS)
        for room_id in behind:
            if self._is_behind(room_id, found.rooms[room_id]):
                gevent.spawn(self._guarded, self._catch_up, self.streams[room_id])
        for user_id, (auth_rev, rooms_rev) in found.revisions.items():
            group = self.people.get(user_id, set())
            if any(c.auth_rev != auth_rev or c.actor.session_id in found.ended_sessions for c in group):
                gevent.spawn(self._guarded, self._revoke, user_id)
            if any(c.held is None and c.rooms_rev != rooms_rev for c in group):
                gevent.spawn(self._guarded, self._reconcile, user_id)

    def _is_behind(self, room_id: UUID, head: int) -> bool:
        stream = self.streams.get(room_id)
        return stream is not None and stream.cursor is not None and stream.cursor < head

    def _is_another_life(self, found: sync.Heads, cursors: dict[UUID, int]) -> bool:
        """Another epoch, or a head below a cursor: the database began another life, so all cursors are void."""
        former, self._epoch = self._epoch, found.epoch
        return former not in {None, found.epoch} or any(
            cursors[room_id] > head for room_id, head in found.rooms.items()
        )

    def _begin_anew(self, found: sync.Heads) -> None:
        """Rooms go on from the heads of the new life; people follow what they are in now, and are told to reload."""
        for room_id, head in found.rooms.items():
            if (stream := self.streams.get(room_id)) is not None:
                stream.move_to(head)
        event = events.Resync(at=clock.now(), data=events.ResyncData(epoch=found.epoch)).encoded()
        for user_id in list(self.people):
            gevent.spawn(self._guarded, self._follow_anew, user_id, event)

    def _follow_anew(self, user_id: str, resync: bytes) -> None:
        for connection in list(self.people.get(user_id, ())):
            with connection.lock:
                for room_id in list(connection.follows):
                    self._unfollow(connection, room_id)
                connection.tell(resync)
                # Should this fail, the next heads check finds the revision wrong and the rooms new.
                connection.rooms_rev = -1
                standing = self._in_app(partial(sync.standing, user_id))
                self._follow(connection, standing.memberships)
                connection.rooms_rev = standing.rooms_rev
                connection.release_all()

    # -- revocation ----------------------------------------------------------------------------------------------

    def _revoke(self, user_id: str) -> None:
        """Close the sockets whose account, session or token is no longer good."""
        for connection in list(self.people.get(user_id, ())):
            try:
                connection.actor = self._in_app(partial(auth.recheck, connection.actor))
                connection.auth_rev = connection.actor.auth_rev
            except AppError as error:
                suspended = error.code is ErrorCode.account_suspended
                connection.socket.close(protocol.SUSPENDED if suspended else protocol.BAD_TOKEN, error.code.name)

    def _renew_or_end(self) -> None:
        """A minute before a token ends its socket is asked for another; then it is closed."""
        now = clock.now()
        for connection in [c for group in self.people.values() for c in group]:
            left = (connection.expires_at - now).total_seconds()
            if left <= 0:
                connection.socket.close(protocol.BAD_TOKEN, "token_expired")
            elif left <= protocol.RENEW_SECONDS and not connection.warned:
                connection.warned = True
                data = events.AuthRequiredData(expires_in=int(left))
                connection.tell(events.AuthRequired(at=now, data=data).encoded())

    # -- joining live --------------------------------------------------------------------------------------------

    def _reconcile(self, user_id: str) -> None:
        """The user's rooms changed: follow new ones (with `room_created`), and see others with their present view."""
        with self._reconciling.setdefault(user_id, BoundedSemaphore(1)):
            standing = self._in_app(lambda: sync.standing(user_id))
            for connection in list(self.people.get(user_id, ())):
                with connection.lock:
                    if connection in self.people.get(user_id, ()):
                        self._reconcile_connection(connection, standing)
                        connection.rooms_rev = standing.rooms_rev
        if user_id not in self.people:
            self._reconciling.pop(user_id, None)

    def _reconcile_connection(self, connection: Connection, standing: Standing) -> None:
        connection.shows_receipts = standing.shows_receipts
        for membership in standing.memberships:
            follow = connection.follows.get(membership.room_id)
            # It only rises, with each return to the room; memberships may have been read before the last one.
            if follow is not None and follow.visible_from < membership.visible_from:
                self._unfollow(connection, membership.room_id)
            elif follow is not None:
                follow.hidden = membership.hidden
                # The member is in the room as of this number: an older departure, not yet delivered, is void.
                follow.since = max(follow.since, membership.changed_seq)
        new = [m for m in standing.memberships if m.room_id not in connection.follows]
        self._follow(connection, new)
        try:
            for membership in new:
                self._introduce(connection, membership.room_id)
        except BaseException:
            # Not told of, so not followed: the next look finds them new again.
            for room_id in [room_id for room_id, follow in connection.follows.items() if follow.held is not None]:
                self._unfollow(connection, room_id)
            raise

    def _introduce(self, connection: Connection, room_id: UUID) -> None:
        follow = connection.follows[room_id]
        try:
            view = self._in_app(lambda: rooms.get(connection.actor, room_id))
        except AppError:
            self._unfollow(connection, room_id)
            return
        data = events.RoomCreatedData(room=view)
        event = events.RoomCreated(room_id=room_id, seq=view.head_seq, after=0, at=clock.now(), data=data)
        connection.tell(event.encoded())
        connection.release(follow)

    def _keep_presence_forever(self) -> None:
        while True:
            gevent.sleep(PRESENCE_SECONDS)
            alive = [(user_id, c.connection_id) for user_id, group in self.people.items() for c in group]
            self._guarded(self._in_app, partial(presence.keep, alive))

    # -- plumbing ------------------------------------------------------------------------------------------------

    def _in_app(self, call: Callable[[], T]) -> T:
        with self._app.app_context():
            return call()

    def _guarded(self, call: Callable[..., None], *arguments: object) -> None:
        try:
            call(*arguments)
        except (AppError, OSError, *AWAY) as error:
            log.warning("realtime upkeep failed", extra={"error": type(error).__name__})
