"""`flask demo`: the demo data, which shows every part of the product in use."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click
import orjson
from flask.cli import AppGroup

from webapp.cli.terminal import PlainCommand, say
from webapp.schemas.demo import DemoWorld
from webapp.services import demo, tokens

FILES = Path(__file__).with_name("demo")

group = AppGroup("demo", help="시연 자료 · Demo data")


@group.command("seed", cls=PlainCommand)
def seed() -> None:
    """시연 자료를 한 번 넣습니다. · Add the demo data once; again changes nothing."""
    world = _load()
    seeded = demo.seed(world)
    _write_logins(world)
    if seeded == demo.Seeded():
        say("시연 자료가 이미 있습니다. 바뀐 것이 없습니다.", "The demo data is there already. Nothing was changed.")
    else:
        say(
            f"시연 자료를 넣었습니다: 사람 {seeded.people}명, 채팅방 {seeded.rooms}개, 메시지 {seeded.messages}개.",
            f"Added demo data: {seeded.people} people, {seeded.rooms} rooms, {seeded.messages} messages.",
        )
    click.echo("\n시연 계정 (아이디 / 비밀번호) · Demo logins (username / password):")
    for login in world.logins:
        click.echo(f"  {login.username} / {demo.PASSWORD}\n    {login.note_ko}\n    {login.note_en}")


def _load() -> DemoWorld:
    rooms = [_read(path) for path in sorted((FILES / "conversations").glob("*.json"))]
    parts = {"conversations": {room["room"]: room for room in rooms}, "votes": _read(FILES / "poll_votes.json")}
    return DemoWorld.model_validate({**_read(FILES / "world.json"), **parts})


def _read(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = orjson.loads(path.read_bytes())
    return content


def _write_logins(world: DemoWorld) -> None:
    """For whoever shows the logins later; only the file's owner may read it."""
    path = tokens.config().data_dir / "demo_logins.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    logins = [{**login.model_dump(), "password": demo.PASSWORD} for login in world.logins]
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        os.fchmod(file.fileno(), 0o600)
        file.write(orjson.dumps(logins, option=orjson.OPT_INDENT_2))
