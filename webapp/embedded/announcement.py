"""What a person reads once the application is up."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

from webapp.config import Config

_RULE = "─" * 72


def ready_text(config: Config) -> str:
    """Addresses, demo logins, logs and how to stop, in Korean and English."""
    address = f"http://127.0.0.1:{config.port}"
    environment = shlex.quote(str(config.data_dir / "run.env"))
    lines = [
        "",
        _RULE,
        "채팅 앱이 준비되었습니다 · The chat app is ready",
        "",
        f"  API 문서 · API docs:  {address}/api/v1/docs",
        *_login_lines(config.data_dir / "demo_logins.json"),
        "",
        f"  기록 · Logs:  {config.data_dir / 'log'}",
        f"  다른 터미널의 flask 명령 전에 · Before flask commands in another terminal:  . {environment}",
        "  멈추기: Ctrl-C · To stop: Ctrl-C",
        _RULE,
    ]
    return "\n".join(lines)


def _login_lines(path: Path) -> list[str]:
    try:
        logins = json.loads(path.read_text(encoding="utf-8"))
        entries = [line for login in logins for line in _lines_of(login)]
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return []  # the seed writes the file; without a sound one there is nothing to show
    return ["", "  시연 계정 (이름 / 비밀번호) · Demo logins (name / password):", *entries] if entries else []


def _lines_of(login: dict[str, str]) -> list[str]:
    notes = (login.get(name) for name in ("note", "note_ko", "note_en"))
    return [f"    {login['username']} / {login['password']}", *(f"      {note}" for note in notes if note)]
