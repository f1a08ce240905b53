"""Fan-out of one room without any process: order, gaps, what each may see, and who is seen off."""

from __future__ import annotations

import json
from typing import Any, cast
from uuid import UUID, uuid4

import gevent
import pytest

from webapp.core import clock
from webapp.domain.permissions import Actor
from webapp.events.publisher import LogEntry, MarkUpdate, Signal
from webapp.realtime import streams
from webapp.realtime.connections import Connection, Follow
from webapp.realtime.engine import Socket
from webapp.realtime.streams import RoomStream


class Sink:
    """In the place of a socket: keeps what is sent."""

    def __init__(self) -> None:
        self._bytes = b""

    def send_frames(self, frames: bytes, *, droppable: bool = False) -> bool:
        self._bytes += frames
        return True

    @property
    def events(self) -> list[Any]:
        """Every event so far."""
        rest, found = self._bytes, []
        while rest:
            head, length = (2, rest[1]) if rest[1] < 126 else (4, int.from_bytes(rest[2:4]))
            found.append(json.loads(rest[head : head + length]))
            rest = rest[head + length :]
        return found


class Scene:
    """A stream at number 10 with followers."""

    def __init__(self) -> None:
        self.unfollowed: list[Connection] = []
        self.stream = RoomStream(uuid4(), self._unfollow, cursor=10)

    def _unfollow(self, connection: Connection, room_id: UUID) -> None:
        self.unfollowed.append(connection)
        del self.stream.follows[connection]

    def enter(self, visible_from: int = 0, hidden: frozenset[UUID] = frozenset(), since: int = 10) -> tuple[Sink, UUID]:
        sink, member_id = Sink(), uuid4()
        connection = Connection(
            cast(Socket, sink), Actor("someone"), clock.now(), "1", shows_receipts=visible_from == 0
        )
        self.stream.follows[connection] = Follow(member_id, visible_from, hidden, since, None)
        return sink, member_id

    def entry(self, seq: int, after: int | None = None, **fields: Any) -> LogEntry:
        after = seq - 1 if after is None else after
        payload = {"type": "message", "room_id": str(self.stream.room_id), "seq": seq, "after": after}
        return LogEntry(seq, after, json.dumps(payload).encode(), **fields)


@pytest.fixture
def scene() -> Scene:
    return Scene()


def numbers(sink: Sink) -> list[int]:
    return [event["seq"] for event in sink.events]


def test_what_comes_out_of_order_or_twice_is_delivered_in_order_and_once(scene: Scene) -> None:
    sink, _ = scene.enter()
    told = [scene.stream.offer([scene.entry(seq)]) for seq in (12, 11, 11, 12, 10, 14, 13)]
    assert told == [False, True, True, True, True, False, True]
    assert numbers(sink) == [11, 12, 13, 14]


def test_the_log_closes_a_gap_and_what_redis_brings_later_is_dropped(scene: Scene) -> None:
    sink, _ = scene.enter()
    scene.stream.offer([scene.entry(13), scene.entry(15)])
    scene.stream.replay([scene.entry(12, 10), scene.entry(13, 12)], 14)
    assert not scene.stream.waiting
    assert scene.stream.offer([scene.entry(11), scene.entry(14)])
    assert numbers(sink) == [12, 13, 15]


def test_too_much_behind_a_gap_is_left_to_the_log(scene: Scene) -> None:
    scene.enter()
    assert not scene.stream.offer([scene.entry(seq) for seq in range(12, 13 + streams.HELD_BOUND)])
    assert not scene.stream.waiting


def test_an_old_or_hidden_message_is_a_number_only(scene: Scene) -> None:
    author = uuid4()
    everything, _ = scene.enter()
    newcomer, _ = scene.enter(visible_from=9)
    blocker, _ = scene.enter(hidden=frozenset({author}))
    scene.stream.offer([scene.entry(11, born=3, sender=uuid4()), scene.entry(12, born=12, sender=author)])
    seen = [[event["type"] for event in sink.events] for sink in (everything, newcomer, blocker)]
    assert seen == [["message", "message"], ["skip", "message"], ["message", "skip"]]
    assert [numbers(sink) for sink in (everything, newcomer, blocker)] == [[11, 12]] * 3


def test_a_leaver_is_seen_off_with_the_removal_and_others_go_on(scene: Scene) -> None:
    stays, _ = scene.enter()
    leaves, member_id = scene.enter()
    removal = scene.entry(12, leaver=member_id, reason="removed")
    scene.stream.offer([scene.entry(11), removal, scene.entry(13)])
    assert numbers(stays) == [11, 12, 13]
    assert [(event["type"], event["seq"]) for event in leaves.events] == [("message", 11), ("room_removed", 12)]
    assert leaves.events[-1]["data"] == {"reason": "removed"}
    assert len(scene.unfollowed) == 1


def test_a_departure_from_before_the_return_is_void(scene: Scene) -> None:
    returned, member_id = scene.enter(since=14)
    scene.stream.offer([scene.entry(11, leaver=member_id), scene.entry(12)])
    assert [event["type"] for event in returned.events] == ["message", "message"]
    assert not scene.unfollowed


def test_two_who_deliver_take_turns(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "YIELD_EVERY", 1)
    sinks = [scene.enter()[0] for _ in range(5)]
    live = gevent.spawn(scene.stream.offer, [scene.entry(11), scene.entry(12)])
    log = gevent.spawn(scene.stream.replay, [scene.entry(13), scene.entry(14)], 14)
    late = gevent.spawn(scene.stream.offer, [scene.entry(15)])
    for greenlet in (live, log, late):
        greenlet.get()
    assert [numbers(sink) for sink in sinks] == [[11, 12, 13, 14, 15]] * 5


def test_signals_reach_those_whom_they_concern(scene: Scene) -> None:
    shows, shown_id = scene.enter()
    hides, hidden_id = scene.enter(visible_from=1)
    scene.stream.signal(Signal(b'{"seq":1}', only_receipts=True))
    scene.stream.signal(Signal(b'{"seq":2}', except_members=frozenset({shown_id})))
    marks = {"unread_count": 3, "mention_count": 0, "last_read_seq": 1, "as_of_seq": 4, "read_rev": 7}
    scene.stream.tell_marks(MarkUpdate({str(hidden_id): marks}))
    assert numbers(shows) == [1]
    assert [event.get("seq") or event["data"]["unread_count"] for event in hides.events] == [2, 3]


def test_between_two_pages_of_the_log_nothing_else_is_delivered(scene: Scene) -> None:
    sink, _ = scene.enter()
    # 11 was changed by 14, so the page that ends at 12 lacks it; what 14 says by itself would make no sense yet.
    scene.stream.offer([scene.entry(13), scene.entry(14)])
    scene.stream.replay([scene.entry(12, after=10)], 12, is_cut=True)
    assert not scene.stream.offer([scene.entry(13), scene.entry(14), scene.entry(15)])
    assert numbers(sink) == [12]
    scene.stream.replay([scene.entry(14, after=12)], 14)
    assert numbers(sink) == [12, 14, 15]
