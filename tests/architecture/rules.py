"""House rules that import-linter can't see: each takes a file and its syntax tree, and yields what breaks it."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from pathlib import PurePosixPath
from typing import TypeAlias

Rule: TypeAlias = Callable[[PurePosixPath, ast.Module], Iterator[tuple[int, str]]]

PRODUCT = ("webapp", "workers", "admin")
LONGEST_FILE = 400
LONGEST_FUNCTION = 50

COMMITTERS = {"webapp/services/unit_of_work.py", "webapp/services/group_commit.py"}
# Opens the reserved connections on which group commit's one statement is its own transaction, and the engine of the hot
# reads, which the database itself keeps from writing.
AUTOCOMMITTERS = COMMITTERS | {"webapp/repositories/append.py", "webapp/app.py"}
ENVIRONMENT = {"os.environ", "os.environb", "os.getenv", "os.putenv"}
ENVIRONMENT_READERS = {"webapp/config.py", "webapp/embedded/run.py", "gunicorn.conf.py", "migrations/env.py"}
USER_IMPORTERS = {"webapp/models/__init__.py", "webapp/repositories/identities.py", "webapp/repositories/users.py"}
CLOCKS = {
    "time.time", "time.time_ns",
    "datetime.now", "datetime.utcnow", "datetime.today", "date.today",
    "datetime.datetime.now", "datetime.datetime.utcnow", "datetime.datetime.today", "datetime.date.today",
}  # fmt: skip


def lies_in(path: PurePosixPath, *folders: str) -> bool:
    """Whether a file lies in one of the folders, or is the module of that name."""
    return any(path.is_relative_to(folder) or str(path) == f"{folder}.py" for folder in folders)


def imported_names(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Every import by its full dotted name, `from a import b` as `a.b`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from ((node.lineno, f"{node.module or ''}.{alias.name}") for alias in node.names)


def calls(tree: ast.AST) -> Iterator[tuple[ast.Call, str]]:
    """Every call with the name it is written under, as far as it is a dotted one."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield node, dotted(node.func)


def dotted(node: ast.expr) -> str:
    """`a.b.c` as text; an end that is no name counts as `?`."""
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else "?"


def commits_only_in_the_unit_of_work(path: PurePosixPath, tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Transactions begin and end in the unit of work, and in the group commit beside it."""
    if not lies_in(path, *PRODUCT) or str(path) in COMMITTERS or lies_in(path, "webapp/embedded"):
        return
    for call, name in calls(tree):
        last = name.rpartition(".")[2]
        if "." in name and last in {"commit", "begin", "begin_nested"}:
            yield call.lineno, f"{name}() belongs to the unit of work"
        if any(keyword.arg == "autocommit" for keyword in call.keywords) and str(path) not in AUTOCOMMITTERS:
            yield call.lineno, "autocommit commits outside the unit of work"
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and node.value.upper() in {"AUTOCOMMIT", "COMMIT"}
            and str(path) not in AUTOCOMMITTERS
        ):
            yield node.lineno, f"{node.value} commits outside the unit of work"


def environment_only_in_config(path: PurePosixPath, tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Settings are read once, in webapp.config; only what starts processes hands the environment on."""
    if lies_in(path, "tests") or str(path) in ENVIRONMENT_READERS:
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and dotted(node) in ENVIRONMENT:
            yield node.lineno, f"{dotted(node)} outside webapp.config"
    for line, name in imported_names(tree):
        if name in ENVIRONMENT:
            yield line, f"{name} outside webapp.config"


def no_relationship_ends_at_user(path: PurePosixPath, tree: ast.Module) -> Iterator[tuple[int, str]]:
    """No mapper relationship leads to User: from a row one sees ids, and only identities.py turns them into people."""
    if not lies_in(path, "webapp/models"):
        return
    for node in ast.walk(tree):
        if not isinstance(node, ast.Assign | ast.AnnAssign) or node.value is None:
            continue
        made = [
            call for call, name in calls(node.value) if name.rpartition(".")[2] in {"relationship", "dynamic_loader"}
        ]
        mentions = {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}
        texts = " ".join(p.value for p in ast.walk(node) if isinstance(p, ast.Constant) and isinstance(p.value, str))
        words = set("".join(c if c.isalnum() or c == "_" else " " for c in texts).split())
        if made and "User" in mentions | words:
            yield node.lineno, "a relationship that ends at User"
    if path.name == "user.py":
        for call, name in calls(tree):
            if name.rpartition(".")[2] == "backref" or any(keyword.arg == "backref" for keyword in call.keywords):
                yield call.lineno, "a backref makes a relationship that ends at User"


def user_is_named_by_two_repositories(path: PurePosixPath, tree: ast.Module) -> Iterator[tuple[int, str]]:
    """The package of models registers all tables, so import-linter can't see `from webapp.models import User`."""
    if not lies_in(path, *PRODUCT) or str(path) in USER_IMPORTERS:
        return
    for line, name in imported_names(tree):
        if name == "webapp.models.User" or (name == "webapp.models.user.User" and path.name != "user.py"):
            yield line, "User outside the two repositories that know people"
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and dotted(node).endswith(("models.User", "models.user.User")):
            yield node.lineno, "User outside the two repositories that know people"


def console_keeps_away_from_people(path: PurePosixPath, tree: ast.Module) -> Iterator[tuple[int, str]]:
    """A console list is bound to a read-only view without user ids; everything else goes through services."""
    if not lies_in(path, "admin"):
        return
    for line, name in imported_names(tree):
        closed = name.startswith(("webapp.models", "webapp.repositories", "webapp.presenters"))
        if closed and not name.startswith("webapp.models.console"):
            yield line, f"{name}: the console may use webapp.models.console alone"


def migrations_stand_alone(path: PurePosixPath, tree: ast.Module) -> Iterator[tuple[int, str]]:
    """A revision says what it does by itself: code that it imported would change under it."""
    if not lies_in(path, "migrations/versions"):
        return
    for line, name in imported_names(tree):
        if name.split(".")[0] in {*PRODUCT, "wsgi", "celery_worker", "tests"}:
            yield line, f"a revision imports {name}"


def files_stay_short(path: PurePosixPath, tree: ast.Module) -> Iterator[tuple[int, str]]:
    """A file is read in one sitting. The tree doesn't know trailing comments; they count for nothing."""
    last = max((node.end_lineno or 0 for node in tree.body), default=0)
    if last > LONGEST_FILE and not lies_in(path, "migrations/versions"):
        yield last, f"{last} lines, {LONGEST_FILE} are enough: split it by use case"


def functions_stay_short(path: PurePosixPath, tree: ast.Module) -> Iterator[tuple[int, str]]:
    """A function is seen whole."""
    if not lies_in(path, *PRODUCT):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length > LONGEST_FUNCTION:
                yield node.lineno, f"{node.name}() has {length} lines, {LONGEST_FUNCTION} are enough"


def wall_clock_only_in_core(path: PurePosixPath, tree: ast.Module) -> Iterator[tuple[int, str]]:
    """One clock tells the time, so that a test can set it; durations use time.monotonic()."""
    if not lies_in(path, *PRODUCT) or str(path) == "webapp/core/clock.py" or lies_in(path, "webapp/embedded"):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and dotted(node) in CLOCKS:
            yield node.lineno, f"{dotted(node)} outside core.clock"
    for line, name in imported_names(tree):
        if name in {"time.time", "time.time_ns"}:
            yield line, f"{name} outside core.clock"


def print_only_at_the_terminal(path: PurePosixPath, tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Servers and workers write JSON logs; only commands and the one-command run talk to a person."""
    if not lies_in(path, *PRODUCT) or lies_in(path, "webapp/cli", "webapp/embedded"):
        return
    yield from ((call.lineno, "print() where nobody reads it") for call, name in calls(tree) if name == "print")


def use_cases_state_their_rule(path: PurePosixPath, tree: ast.Module) -> Iterator[tuple[int, str]]:
    """A public function in services/ says which rule it keeps."""
    if not lies_in(path, "webapp/services"):
        return
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_") and not ast.get_docstring(node):
            yield node.lineno, f"{node.name}() doesn't say which rule it keeps"


RULES: tuple[Rule, ...] = (
    commits_only_in_the_unit_of_work,
    environment_only_in_config,
    no_relationship_ends_at_user,
    user_is_named_by_two_repositories,
    console_keeps_away_from_people,
    migrations_stand_alone,
    files_stay_short,
    functions_stay_short,
    wall_clock_only_in_core,
    print_only_at_the_terminal,
    use_cases_state_their_rule,
)
