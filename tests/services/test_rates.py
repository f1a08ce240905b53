"""Rate limits: a budget a minute, shared through Redis, counted per process without it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from webapp.core import clock, extensions
from webapp.core.clock import ManualClock
from webapp.core.errors import AppError, ErrorCode
from webapp.domain.limits import RATES
from webapp.integrations import rate_limits as limiter
from webapp.integrations.rate_limits import RateLimits
from webapp.services import rates

NOWHERE = "redis://127.0.0.1:1/0"


@pytest.fixture
def hour_hand() -> Iterator[ManualClock]:
    hand = ManualClock(datetime.now(UTC))
    former = clock.inject(hand)
    yield hand
    clock.inject(former)


@pytest.fixture(params=["with Redis", "without Redis"])
def limited(
    request: pytest.FixtureRequest, context: Flask, hour_hand: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> Flask:
    """The application with limits on, and a clock that stands still."""
    monkeypatch.setitem(context.config, "FOCUSMATE", replace(context.config["FOCUSMATE"], rate_limit_factor=1.0))
    monkeypatch.setattr(rates, "rate_limits", RateLimits())
    if request.param == "without Redis":
        nobody = Redis.from_url(NOWHERE, retry=Retry(NoBackoff(), 0))
        monkeypatch.setattr(extensions.redis, "_client", nobody)
    return context


def wait_ms(budget: str, spender: str) -> int | None:
    try:
        rates.spend(budget, spender)
    except AppError as error:
        return error.retry_after_ms if error.code is ErrorCode.rate_limited else -1
    return None


def test_a_budget_is_spent_and_refills_evenly(limited: Flask, hour_hand: ManualClock) -> None:
    each = 60_000 // RATES["login"]
    assert [wait_ms("login", "a") for _ in range(RATES["login"])] == [None] * RATES["login"]
    assert wait_ms("login", "a") == each
    hour_hand.advance(timedelta(milliseconds=each - 1))
    assert wait_ms("login", "a") == 1
    hour_hand.advance(timedelta(milliseconds=1))
    assert wait_ms("login", "a") is None
    assert wait_ms("login", "a") == each
    hour_hand.advance(timedelta(minutes=5))
    assert [wait_ms("login", "a") for _ in range(RATES["login"] + 1)].count(None) == RATES["login"]


def test_spenders_and_budgets_don_t_share(limited: Flask) -> None:
    while wait_ms("login", "a") is None:
        pass
    assert wait_ms("login", "b") is None
    assert wait_ms("register", "a") is None


@pytest.mark.parametrize(("factor", "allowed"), [(0.1, 1), (0.01, 1), (2.0, 20)])
def test_the_factor_scales_every_budget(
    limited: Flask, monkeypatch: pytest.MonkeyPatch, factor: float, allowed: int
) -> None:
    monkeypatch.setitem(limited.config, "FOCUSMATE", replace(limited.config["FOCUSMATE"], rate_limit_factor=factor))
    assert [wait_ms("login", "a") for _ in range(30)].count(None) == allowed


def test_a_factor_of_zero_turns_limits_off(limited: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(limited.config, "FOCUSMATE", replace(limited.config["FOCUSMATE"], rate_limit_factor=0))
    assert [wait_ms("login", "a") for _ in range(30)] == [None] * 30


def test_two_processes_share_a_budget(context: Flask) -> None:
    now = clock.now()
    one, other = RateLimits(), RateLimits()
    assert [process.take("shared", 4, now) for process in (one, other, one, other)] == [0] * 4
    assert one.take("shared", 4, now) == other.take("shared", 4, now) == 15_000


def test_without_redis_memory_stays_bounded_and_redis_is_found_again(
    context: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limiter, "LOCAL_BOUND", 10)
    monkeypatch.setattr(limiter, "RETRY_REDIS_SECONDS", 0.0)
    process, now = RateLimits(), clock.now()
    with monkeypatch.context() as away:
        away.setattr(extensions.redis, "_client", Redis.from_url(NOWHERE, retry=Retry(NoBackoff(), 0)))
        for number in range(100):
            process.take(f"spender {number}", 1, now)
        assert len(process._local) == 10
        assert process.take("spender 99", 1, now) == 60_000
    assert process.take("spender 99", 1, now) == 0
    assert RateLimits().take("spender 99", 1, now) == 60_000
