"""`make bench`: run the works, print their tables, and keep them in BENCHMARKS.md with `--write`."""

from __future__ import annotations

import argparse
import gc
import importlib
import pkgutil
import re
import resource
import sys
import time
import traceback
from collections.abc import Iterable, Sequence

from tests import bench
from tests.bench import machine
from tests.bench.stack import PROJECT, Stack
from tests.bench.work import BenchError, Scale, Table, Work

REPORT = PROJECT / "BENCHMARKS.md"
INTRODUCTION = """\
# Benchmarks

Written by `make bench ARGS=--write`. Client, PostgreSQL, Valkey and the product share the machine below and talk over
127.0.0.1. A message counts as sent when it is committed with `synchronous_commit=on` and answered. Median of {runs}
runs of {seconds:g} s after a warm-up, lowest and highest in brackets; all cases of a table take turns. Lines that
begin with *limit* are what the machine does with the same statement, or the same bytes, and nothing around it. CPU is
that of the server processes alone.
"""


def works() -> list[Work]:
    """Every work of this folder, by name."""
    names = sorted(name for _, name, _ in pkgutil.iter_modules(bench.__path__) if re.match(r"w\d", name))
    return [importlib.import_module(f"tests.bench.{name}").WORK for name in names]


def main(arguments: Sequence[str]) -> int:
    """Measure what was asked for; 1 if a work failed, after all others had their turn."""
    asked = _parser().parse_args(arguments)
    scale = Scale(asked.runs or 1, seconds=1.5, warm_up=0.5, short=True) if asked.short else Scale(asked.runs or 3)
    chosen = _chosen(asked.only)
    _allow_many_sockets()
    sections: list[str] = []
    failed: list[str] = []
    with Stack() as stack:
        gc.freeze()
        gc.disable()
        facts = [*machine.facts(stack), ("load before", machine.load())]
        for work in chosen:
            sections.append(_section(stack, work, scale, failed))
            print(sections[-1], flush=True)
        facts.append(("load after", machine.load()))
    described = "\n".join(f"- {name}: {value}" for name, value in facts)
    print(described)
    if asked.write:
        introduction = INTRODUCTION.format(runs=scale.runs, seconds=scale.seconds)
        REPORT.write_text("\n".join([introduction, described, "", *sections]))
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


def _section(stack: Stack, work: Work, scale: Scale, failed: list[str]) -> str:
    """A work's table; one that failed says why, under the cases that it came to."""
    print(f"… {work.name} {work.title}", file=sys.stderr, flush=True)
    table, began, reason = Table(), time.monotonic(), []
    try:
        work.measure(stack, scale, table)
    except Exception as error:
        failed.append(work.name)
        if not isinstance(error, BenchError):
            traceback.print_exc()
        reason = [f"**Failed**: {type(error).__name__}: {error}", *stack.complaints(), ""]
    gc.collect()
    print(f"  {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    lines = table.lines() if table.rows else []
    return "\n".join([f"## {work.name} — {work.title}", "", *lines, "", *reason, f"Aim: {'; '.join(work.aims)}.", ""])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make bench ARGS=…", description=__doc__)
    parser.add_argument("--only", default="", help="these works alone, e.g. W1,W3")
    parser.add_argument("--short", action="store_true", help="a form for CI, under two minutes: do all of them work?")
    parser.add_argument("--runs", type=int, default=0, help="how often each case is run (3; 1 in the short form)")
    parser.add_argument("--write", action="store_true", help="keep the tables in BENCHMARKS.md")
    return parser


def _chosen(only: str) -> list[Work]:
    found = works()
    names: Iterable[str] = filter(None, (name.strip().lower() for name in only.split(",")))
    wanted = set(names) or {work.name.lower() for work in found}
    unknown = wanted - {work.name.lower() for work in found}
    if unknown:
        sys.exit(f"no such work: {', '.join(sorted(unknown))}; there are {', '.join(work.name for work in found)}")
    return [work for work in found if work.name.lower() in wanted]


def _allow_many_sockets() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
