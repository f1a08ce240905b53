"""The processes that the protocol's tests talk to: started once a test process, put right before each test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.conftest import Backing
from tests.factories import TestUser
from tests.realtime.chat_client import ChatClient
from tests.realtime.processes import House, Web
from tests.services_of_run import TEMPLATE, create_database

Connect = Callable[..., ChatClient]


@pytest.fixture(scope="session")
def running_house(backing: Backing, tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Iterator[House]:
    """Two web processes over a database and a Valkey of their own."""
    url = create_database(backing.database_url, f"focusmate_house_{worker_id}", template=TEMPLATE)
    house = House(url, tmp_path_factory.mktemp("house"))
    yield house
    house.stop()
    assert house.errors() == []


@pytest.fixture
def house(running_house: House) -> House:
    """The processes, all of them running."""
    running_house.heal()
    return running_house


@pytest.fixture
def connected(house: House) -> Iterator[Connect]:
    """Opens clients, greeted and whole, and closes them at the end; none heard anything before `hello`."""
    opened: list[ChatClient] = []
    with ExitStack() as clients:

        def open_client(web: Web, user: TestUser, query: str | None = None) -> ChatClient:
            opened.append(clients.enter_context(ChatClient(web, user, query=query)).greeted())
            return opened[-1]

        yield open_client
    assert [client.too_early for client in opened if client.too_early] == []
    assert [client.resyncs for client in opened if client.resyncs] == []
