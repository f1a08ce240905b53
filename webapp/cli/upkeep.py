"""`flask recount` and `flask epoch`: for the time after something went wrong."""

from __future__ import annotations

import sys

import click
from flask.cli import AppGroup, with_appcontext

from webapp.cli.terminal import PlainCommand, say
from webapp.services import named_rooms, operations, unread

epoch_group = AppGroup("epoch", help="데이터베이스의 생애 · The life of the database")


@click.command("recount", cls=PlainCommand)
@click.argument("room", required=False)
@with_appcontext
def recount(room: str | None) -> None:
    """안 읽은 수를 다시 셉니다(채팅방 이름 또는 ID, 없으면 모두). · Count unread messages anew, in one room or all."""
    if room is not None:
        wrong = unread.repair(named_rooms.get(room))
    else:
        with click.progressbar(
            operations.recount_rooms(), length=operations.count_rooms(), label="다시 세기 · Recount", file=sys.stderr
        ) as counted:
            wrong = sum(counted)
    say(f"고친 참여자 카운터: {wrong}개", f"Member counters that were wrong: {wrong}")


@epoch_group.command("change", cls=PlainCommand)
def change() -> None:
    """백업을 되살린 뒤, 모든 클라이언트가 처음부터 다시 읽게 합니다. · After a restore: make all clients reload."""
    epoch = operations.change_epoch()
    say(f"epoch를 바꾸었습니다: {epoch}", f"Changed the epoch to {epoch}.")
