from __future__ import annotations

import os
import signal
import stat
from pathlib import Path

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from tests.embedded.observed import all_end
from webapp.embedded import valkey
from webapp.embedded.errors import StartError
from webapp.embedded.valkey import start_valkey


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / 'with a "space"' / "valkey"


def test_what_was_stored_is_there_after_a_restart(directory: Path) -> None:
    first = start_valkey(directory)
    with redis.Redis.from_url(first.url) as client:
        client.set("word", "학교")
    first.stop()
    assert all_end([first.pid])

    second = start_valkey(directory, port=first.port)
    try:
        assert second.url == first.url
        with redis.Redis.from_url(second.url, decode_responses=True) as client:
            assert client.get("word") == "학교"
    finally:
        second.stop()


def test_a_killed_server_comes_back_with_what_it_had_answered(directory: Path) -> None:
    first = start_valkey(directory)
    with redis.Redis.from_url(first.url) as client:
        client.rpush("queue", *range(1000))
    os.kill(first.pid, signal.SIGKILL)

    second = start_valkey(directory, port=first.port)
    try:
        with redis.Redis.from_url(second.url) as client:
            assert client.llen("queue") == 1000
    finally:
        second.stop()
        first.stop()


def test_it_drops_nothing_and_asks_for_a_password(directory: Path) -> None:
    server = start_valkey(directory)
    try:
        with redis.Redis.from_url(server.url, decode_responses=True) as client:
            assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
            assert client.config_get("appendonly") == {"appendonly": "yes"}
        with (
            redis.Redis(port=server.port, retry=Retry(NoBackoff(), 0)) as stranger,
            pytest.raises(redis.AuthenticationError),
        ):
            stranger.ping()
        for name in ("password", "valkey.conf"):
            assert stat.S_IMODE((directory / name).stat().st_mode) == 0o600
    finally:
        server.stop()


def test_a_second_server_on_the_same_folder_is_refused(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(valkey, "_PREDECESSOR_SECONDS", 0.1)
    server = start_valkey(directory)
    try:
        with pytest.raises(StartError, match="Another run is using this folder"):
            start_valkey(directory)
    finally:
        server.stop()
