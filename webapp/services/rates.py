"""Rate limits by budget: so many calls a minute, with the wait told to whoever is too fast."""

from __future__ import annotations

from flask import current_app

from webapp.config import Config
from webapp.core import clock
from webapp.core.errors import AppError, ErrorCode
from webapp.domain.limits import RATES
from webapp.integrations.rate_limits import rate_limits


def spend(budget: str, spender: str) -> None:
    """A spender has so many calls a minute of each budget, times the deployment's factor; 0 turns limits off."""
    config: Config = current_app.config["FOCUSMATE"]
    if config.rate_limit_factor == 0:
        return
    per_minute = RATES[budget] * config.rate_limit_factor
    wait_ms = rate_limits.take(f"{budget}:{spender}", per_minute, clock.now())
    if wait_ms:
        raise AppError(ErrorCode.rate_limited, {"budget": budget, "per_minute": per_minute}, retry_after_ms=wait_ms)
