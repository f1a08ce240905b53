"""`flask user`: accounts."""

from __future__ import annotations

import click
from flask.cli import AppGroup

from webapp.cli.terminal import PlainCommand, say
from webapp.schemas.accounts import Locale
from webapp.services import accounts, operations

group = AppGroup("user", help="계정 · Accounts")


@group.command("create", cls=PlainCommand)
@click.argument("username")
@click.option("--display-name", help="기본값: 아이디 · Default: the username")
@click.option("--locale", type=click.Choice(["ko", "en"]), default="ko", show_default=True)
def create(username: str, display_name: str | None, locale: Locale) -> None:
    """계정을 만들고 비밀번호를 정할 코드를 줍니다. · Make an account and print a code that sets its password."""
    code = operations.create_user(username, display_name or username, locale)
    say(f"계정을 만들었습니다: {username.lower()}", f"Made the account {username.lower()}.")
    _tell_code(code)


@group.command("suspend", cls=PlainCommand)
@click.argument("username")
@click.option("--days", type=click.IntRange(1, 36_500), default=7, show_default=True)
def suspend(username: str, days: int) -> None:
    """계정 이용을 정지합니다. · Suspend an account; its sockets close at once."""
    operations.suspend_user(username, days)
    say(f"{username} 계정을 {days}일 동안 정지했습니다.", f"Suspended {username} for {days} days.")


@group.command("lift", cls=PlainCommand)
@click.argument("username")
def lift(username: str) -> None:
    """정지를 풉니다. · Lift a suspension."""
    operations.lift_suspension(username)
    say(f"{username} 계정의 정지를 풀었습니다.", f"Lifted the suspension of {username}.")


@group.command("reset-code", cls=PlainCommand)
@click.argument("username")
def reset_code(username: str) -> None:
    """비밀번호를 한 번 바꿀 수 있는 코드를 만듭니다. · Make a one-time code that sets a new password."""
    _tell_code(accounts.make_reset_code(username))


def _tell_code(code: str) -> None:
    say("한 시간 안에 한 번 쓸 수 있는 코드:", "A code that can be used once within an hour:")
    click.echo(f"  {code}")
