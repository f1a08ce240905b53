from __future__ import annotations

from typing import Any


def render(api: dict[str, Any], socket: dict[str, Any], language: str) -> tuple[str, str]:
    return "<!doctype html>", "default-src 'none'"
