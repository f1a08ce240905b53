"""The house rules hold in the whole tree, and each rule catches what it is there for."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

from tests.architecture import rules

ROOT = Path(__file__).parents[2]
SOURCES = ("webapp", "workers", "admin", "migrations", "tests")


def python_files() -> Iterator[Path]:
    yield from ROOT.glob("*.py")
    for folder in SOURCES:
        yield from (path for path in (ROOT / folder).rglob("*.py") if "node_modules" not in path.parts)


def findings(rule: rules.Rule, name: str, source: str) -> list[str]:
    return [f"{name}:{line}: {text}" for line, text in rule(PurePosixPath(name), ast.parse(source, name))]


@pytest.mark.parametrize("rule", rules.RULES, ids=lambda rule: rule.__name__)
def test_the_tree_keeps_the_rule(rule: rules.Rule) -> None:
    broken = [
        finding
        for path in sorted(python_files())
        for finding in findings(rule, path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8"))
    ]
    assert not broken, f"{rule.__doc__}\n" + "\n".join(broken)


LONG_FUNCTION = "def f():\n" + "    x = 1\n" * 50
SHORT_FUNCTION = "def f():\n" + "    x = 1\n" * 49

OFFENDING = [
    (rules.commits_only_in_the_unit_of_work, "webapp/services/rooms.py", "db.session.commit()"),
    (rules.commits_only_in_the_unit_of_work, "webapp/api/rooms.py", "with engine.begin() as c: pass"),
    (rules.commits_only_in_the_unit_of_work, "workers/unread.py", "session().begin_nested()"),
    (rules.commits_only_in_the_unit_of_work, "workers/unread.py", "connect(url, autocommit=True)"),
    (rules.commits_only_in_the_unit_of_work, "workers/unread.py", "c.execution_options(isolation_level='AUTOCOMMIT')"),
    (rules.commits_only_in_the_unit_of_work, "workers/unread.py", "c.execute('commit')"),
    (rules.environment_only_in_config, "webapp/app.py", "import os\nx = os.environ['SECRET_KEY']"),
    (rules.environment_only_in_config, "workers/unread.py", "import os\nx = os.getenv('PORT')"),
    (rules.environment_only_in_config, "wsgi.py", "from os import environ"),
    (rules.environment_only_in_config, "webapp/embedded/processes.py", "import os\nx = os.environ.copy()"),
    (rules.no_relationship_ends_at_user, "webapp/models/room.py", "owner = relationship('User')"),
    (rules.no_relationship_ends_at_user, "webapp/models/room.py", "owner: Mapped[User] = relationship()"),
    (rules.no_relationship_ends_at_user, "webapp/models/room.py", "owner: Mapped['User | None'] = orm.relationship()"),
    (rules.no_relationship_ends_at_user, "webapp/models/room.py", "o = relationship(lambda: User, viewonly=True)"),
    (rules.no_relationship_ends_at_user, "webapp/models/user.py", "rooms = relationship('Room', backref='owner')"),
    (rules.user_is_named_by_two_repositories, "webapp/services/rooms.py", "from webapp.models import User"),
    (rules.user_is_named_by_two_repositories, "webapp/repositories/rooms.py", "from webapp.models.user import User"),
    (
        rules.user_is_named_by_two_repositories,
        "webapp/presenters.py",
        "from webapp import models\nmodels.User.username",
    ),
    (rules.console_keeps_away_from_people, "admin/rooms.py", "from webapp.models.room import Room"),
    (rules.console_keeps_away_from_people, "admin/rooms.py", "from webapp import presenters"),
    (rules.console_keeps_away_from_people, "admin/rooms.py", "import webapp.repositories.rooms"),
    (rules.migrations_stand_alone, "migrations/versions/0001_first.py", "from webapp.models import base"),
    (rules.migrations_stand_alone, "migrations/versions/0001_first.py", "import workers.unread"),
    (rules.files_stay_short, "tests/services/test_rooms.py", "x = 1\n" * 401),
    (rules.functions_stay_short, "webapp/services/rooms.py", LONG_FUNCTION),
    (rules.wall_clock_only_in_core, "webapp/services/rooms.py", "import time\ntime.time()"),
    (rules.wall_clock_only_in_core, "webapp/services/rooms.py", "from time import time"),
    (rules.wall_clock_only_in_core, "webapp/models/room.py", "at = column(default=datetime.utcnow)"),
    (rules.wall_clock_only_in_core, "workers/unread.py", "import datetime\ndatetime.datetime.now(tz)"),
    (rules.print_only_at_the_terminal, "webapp/api/rooms.py", "print('here')"),
    (rules.use_cases_state_their_rule, "webapp/services/rooms.py", "def leave(actor): pass"),
]

INNOCENT = [
    (rules.commits_only_in_the_unit_of_work, "webapp/services/unit_of_work.py", "session.commit()"),
    (rules.commits_only_in_the_unit_of_work, "webapp/services/rooms.py", "batch.commits(1); begin = commit(1)"),
    (rules.environment_only_in_config, "webapp/config.py", "import os\nx = os.environ"),
    (rules.environment_only_in_config, "webapp/embedded/run.py", "import os\nmain(os.environ)"),
    (rules.commits_only_in_the_unit_of_work, "webapp/repositories/append.py", "connect(url, autocommit=True)"),
    (rules.no_relationship_ends_at_user, "webapp/models/room.py", "members = relationship('Member')"),
    (
        rules.no_relationship_ends_at_user,
        "webapp/models/room.py",
        "owner_id = mapped_column(ForeignKey('users.user_id'))",
    ),
    (rules.no_relationship_ends_at_user, "webapp/models/user.py", "sessions = relationship('UserSession')"),
    (rules.user_is_named_by_two_repositories, "webapp/repositories/users.py", "from webapp.models.user import User"),
    (rules.user_is_named_by_two_repositories, "webapp/services/rooms.py", "from webapp.models import UserBlock"),
    (rules.console_keeps_away_from_people, "admin/rooms.py", "from webapp.models.console import RoomRow"),
    (rules.migrations_stand_alone, "migrations/versions/0001_first.py", "import sqlalchemy as sa"),
    (rules.files_stay_short, "tests/services/test_rooms.py", "x = 1\n" * 400),
    (rules.functions_stay_short, "webapp/services/rooms.py", SHORT_FUNCTION),
    (rules.functions_stay_short, "tests/services/test_rooms.py", LONG_FUNCTION),
    (
        rules.wall_clock_only_in_core,
        "webapp/services/rooms.py",
        "import time\ntime.monotonic(); clock.now(); func.now()",
    ),
    (rules.wall_clock_only_in_core, "webapp/core/clock.py", "import datetime\ndatetime.datetime.now(tz)"),
    (rules.print_only_at_the_terminal, "webapp/cli/demo.py", "print('30 people')"),
    (rules.print_only_at_the_terminal, "webapp/embedded/run.py", "print('http://127.0.0.1:8000')"),
    (rules.use_cases_state_their_rule, "webapp/services/rooms.py", "def leave(actor):\n    'A member may leave.'"),
    (rules.use_cases_state_their_rule, "webapp/services/rooms.py", "def _check(actor): pass"),
]


def case_name(case: object) -> str:
    return getattr(case, "__name__", "")


@pytest.mark.parametrize(("rule", "name", "source"), OFFENDING, ids=case_name)
def test_the_rule_catches(rule: rules.Rule, name: str, source: str) -> None:
    assert findings(rule, name, source)


@pytest.mark.parametrize(("rule", "name", "source"), INNOCENT, ids=case_name)
def test_the_rule_lets_pass(rule: rules.Rule, name: str, source: str) -> None:
    assert findings(rule, name, source) == []


def test_every_rule_has_both_kinds_of_example() -> None:
    assert {case[0] for case in OFFENDING} == {case[0] for case in INNOCENT} == set(rules.RULES)


def import_linter() -> dict[str, Any]:
    settings: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    return settings


def test_every_top_level_package_is_checked_by_import_linter() -> None:
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"tests", "migrations"}
    assert packages == set(import_linter()["root_packages"])


def test_every_module_has_its_layer() -> None:
    layers = next(contract["layers"] for contract in import_linter()["contracts"] if contract["id"] == "layers")
    placed = {name.strip(" ()") for layer in layers for name in layer.split("|")}
    there = {f"webapp.{path.stem}" for path in (ROOT / "webapp").glob("*.py") if path.stem != "__init__"}
    there |= {f"webapp.{path.parent.name}" for path in (ROOT / "webapp").glob("*/__init__.py")}
    assert there <= placed, f"pyproject.toml gives no layer to {sorted(there - placed)}"
