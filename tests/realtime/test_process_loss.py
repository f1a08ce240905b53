"""Processes die, drain and fail over; what was acknowledged is with everybody, once."""

from __future__ import annotations

import itertools
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from websockets.exceptions import WebSocketException

from tests.factories import TestUser, make_team_room, make_user
from tests.realtime.chat_client import ChatClient, Refused
from tests.realtime.conftest import Connect
from tests.realtime.processes import ROOT, House, eventually
from webapp.embedded.postgres import start_postgres
from webapp.embedded.processes import Server
from webapp.services import rooms


class Insistent:
    """Says numbered things, each under one id until it is acknowledged, on whatever process answers."""

    def __init__(self, house: House, client: ChatClient, room_id: UUID) -> None:
        self.acknowledged: list[str] = []
        self._house, self._client, self._room_id = house, client, room_id
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._speak)
        self._thread.start()

    def finish(self) -> list[str]:
        """Stop speaking; what was acknowledged."""
        self._ended.set()
        self._thread.join(60)
        assert not self._thread.is_alive()
        return self.acknowledged

    def _speak(self) -> None:
        webs = itertools.cycle(self._house.webs)
        for number in itertools.count():
            if self._ended.is_set():
                return
            content, key = f"{number}", uuid4()
            while not self._said(content, key):
                self._reopen(next(webs))
            self.acknowledged.append(content)

    def _said(self, content: str, key: UUID) -> bool:
        try:
            self._client.send(self._room_id, content, client_message_id=key)
        except (ConnectionError, TimeoutError):
            return False
        except Refused as refused:
            return bool(refused.error["code"] != "unavailable")
        return True

    def _reopen(self, web: object) -> None:
        try:
            self._client.open(web)  # type: ignore[arg-type]
        except (OSError, EOFError, WebSocketException):
            # Not there, or gone in the middle of the handshake: the next one is asked.
            return


@pytest.fixture
def speaking(house: House, connected: Connect) -> Iterator[tuple[Insistent, ChatClient, UUID]]:
    alice, bob = house.do(make_user), house.do(make_user)
    room_id = house.do(make_team_room, alice, bob)
    listener = connected(house.webs[1], bob)
    speaker = Insistent(house, connected(house.webs[0], alice), room_id)
    eventually(lambda: len(speaker.acknowledged) > 20)
    yield speaker, listener, room_id
    speaker.finish()


Speaking = tuple[Insistent, ChatClient, UUID]


@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGTERM])
def test_a_web_process_that_ends_loses_nothing_that_was_acknowledged(
    house: House, speaking: Speaking, ending: signal.Signals
) -> None:
    speaker, listener, room_id = speaking
    house.webs[0].end(ending)
    so_far = len(speaker.acknowledged)
    eventually(lambda: len(speaker.acknowledged) > so_far + 20, 30)
    said = speaker.finish()
    head = house.webs[1].call(listener.user, "GET", f"/chats/rooms/{room_id}")["head_seq"]
    room = listener.has(room_id, head)
    assert room.said == said
    assert speaker._client.has(room_id, head).said == said


def test_a_draining_process_sends_its_sockets_elsewhere(house: House, connected: Connect) -> None:
    alice, bob = house.do(make_user), house.do(make_user)
    room_id = house.do(make_team_room, alice, bob)
    moved, watcher = [connected(house.webs[0], bob) for _ in range(3)], connected(house.webs[1], alice)
    house.webs[0].end(signal.SIGTERM)
    for client in moved:
        assert client.ended(10) == (1012, "restarting")
        watcher.send(room_id, "meanwhile")
        client.open(house.webs[1])
    head = watcher.send(room_id, "here")["seq"]
    for client in moved:
        assert client.has(room_id, head).said == watcher.has(room_id, head).said
    eventually(lambda: not house.webs[0].child.running, 25)
    assert [frame["data"]["is_online"] for frame in watcher.of_type("presence_changed", room_id)].count(False) == 0


class FailingOver:
    """A database of its own with a copy that missed the last messages, which takes its place."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._copy = folder / "primary", folder / "replica"
        self.server: Server = start_postgres(self._folder, fsync=False)
        self.url = self.server.url

    def copy(self) -> None:
        """Take the base backup; nothing that is committed later is in it."""
        self.server.stop()
        subprocess.run(["cp", "-a", self._folder, self._copy], check=True)
        cluster = self._copy / "cluster"
        with (cluster / "postgresql.auto.conf").open("a") as settings:
            settings.write("restore_command = '/bin/false'\n")
        signal_file = cluster / "recovery.signal"
        signal_file.touch()
        self.server = start_postgres(self._folder, fsync=False, port=self.server.port)

    def die(self) -> None:
        """The primary dies."""
        self.server.child.kill()

    def take_over(self) -> None:
        """The copy recovers onto a new timeline, under the same address."""
        self.server = start_postgres(self._copy, fsync=False, port=self.server.port)


@pytest.fixture
def failing_over(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FailingOver]:
    database = FailingOver(tmp_path_factory.mktemp("failover"))
    yield database
    database.server.stop()


def migrate(url: str, folder: Path) -> None:
    command = [sys.executable, "-m", "flask", "--app", "wsgi", "db", "upgrade"]
    subprocess.run(command, cwd=ROOT, env={"DATABASE_URL": url, "HOME": str(folder)}, check=True, capture_output=True)


def make_talk() -> tuple[TestUser, TestUser, UUID, UUID]:
    """Two people, their room, and a room that bob has left; for the console."""
    alice, bob = make_user(), make_user()
    left = make_team_room(alice, bob)
    rooms.leave(bob.actor, left)
    return alice, bob, make_team_room(alice, bob), left


@pytest.mark.slow
def test_a_failover_that_loses_the_last_messages_makes_clients_begin_anew(
    failing_over: FailingOver, tmp_path: Path
) -> None:
    migrate(failing_over.url, tmp_path)
    house = House(failing_over.url, tmp_path)
    try:
        alice, bob, room_id, joined_in_vain = house.do(make_talk)
        house.webs[0].send(alice, room_id, "kept")
        for web in house.webs:
            web.end(signal.SIGKILL)
        failing_over.copy()
        house.heal()
        clients = [ChatClient(web, user).greeted() for web, user in zip(house.webs, (alice, bob), strict=True)]
        house.webs[0].call(bob, "POST", f"/chats/rooms/{joined_in_vain}/join")
        clients[1].has(joined_in_vain, 1)
        lost = [clients[0].send(room_id, f"lost {number}")["seq"] for number in range(5)]
        for client in clients:
            assert client.has(room_id, lost[-1]).said == ["kept", *(f"lost {number}" for number in range(5))]
        failing_over.die()
        with pytest.raises(Refused, match="unavailable"):
            clients[0].send(room_id, "to nobody")
        with ChatClient(house.webs[0], alice) as client:
            assert client.ended() == (1013, "unavailable")
        failing_over.take_over()
        for client in clients:
            client.wait(lambda client=client: client.resyncs, 30)  # type: ignore[misc]
        first = eventually(lambda: _said(clients[0], room_id, "after"))
        assert first <= lost[0]
        clients[0].send(joined_in_vain, "bob never joined")
        last = clients[1].send(room_id, "and on")["seq"]
        for client in clients:
            assert client.has(room_id, last).said == ["kept", "after", "and on"]
            assert client.resyncs == 1
            client.close()
        assert "bob never joined" not in str(clients[1].frames)
        with ChatClient(house.webs[0], bob) as newcomer:
            assert newcomer.greeted().epoch == clients[0].epoch
    finally:
        house.stop()


def _said(client: ChatClient, room_id: UUID, content: str) -> int:
    try:
        return int(client.send(room_id, content, client_message_id=uuid4())["seq"])
    except Refused:
        return 0
