"""What a measured work is: cases that are run in turn, and the table that they fill."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.bench.stack import Stack

Figures = dict[str, float]
Case = Callable[[], Figures]


class BenchError(Exception):
    """Why a figure could not be taken."""


@dataclass(frozen=True)
class Scale:
    """How much is measured. Seconds are per run; the short form only shows that the harness and the product work."""

    runs: int = 3
    seconds: float = 4.0
    warm_up: float = 1.5
    short: bool = False


@dataclass
class Table:
    """By case, the figures of each run; columns stand in the order in which they first came."""

    rows: dict[str, list[Figures]] = field(default_factory=dict)

    def measure(self, scale: Scale, cases: Mapping[str, Case]) -> None:
        """Run all cases in turn, and again, so that a slow minute of the machine falls on all of them alike."""
        for _ in range(scale.runs):
            for name, case in cases.items():
                figures = case()
                self.rows.setdefault(name, []).append(figures)

    def relate(self, name: str, limit: str, column: str, title: str = "of the limit") -> None:
        """Add a case's share of a limit's figure, run by run."""
        for mine, theirs in zip(self.rows[name], self.rows[limit], strict=True):
            mine[title] = mine[column] / theirs[column]

    @property
    def columns(self) -> list[str]:
        return list(dict.fromkeys(column for runs in self.rows.values() for run in runs for column in run))

    def lines(self) -> list[str]:
        """The table in Markdown: median, with lowest and highest where runs differ."""
        body = [[name, *(_spread(runs, column) for column in self.columns)] for name, runs in self.rows.items()]
        return markdown(["case", *self.columns], body)


@dataclass(frozen=True)
class Work:
    """One line of the table in the design: its name, what it does, the aims, and how it is measured."""

    name: str
    title: str
    aims: tuple[str, ...]
    measure: Callable[[Stack, Scale, Table], None]


def markdown(head: list[str], body: list[list[str]]) -> list[str]:
    """A Markdown table whose columns line up: text to the left, figures to the right."""
    columns = list(zip(head, *body, strict=True))
    widths = [max(map(len, column)) for column in columns]
    padded = [[cell.rjust(width) for cell in column] for column, width in zip(columns, widths, strict=True)]
    padded[0] = [cell.ljust(widths[0]) for cell in columns[0]]
    lines = ["| " + " | ".join(row) + " |" for row in zip(*padded, strict=True)]
    rule = "|" + "|".join("-" * (width + 1) + (":" if n else "-") for n, width in enumerate(widths)) + "|"
    return [lines[0], rule, *lines[1:]]


def percentile(values: Iterable[float], share: float) -> float:
    """The smallest value that this share of all values doesn't exceed."""
    ordered = sorted(values)
    if not ordered:
        raise BenchError("nothing was measured")
    return ordered[min(len(ordered) - 1, max(0, round(share * len(ordered) + 0.5) - 1))]


def times(title: str, seconds: Iterable[float]) -> Figures:
    """p50 and p99 of durations, in milliseconds."""
    found = list(seconds)
    return {f"{title} p50 ms": percentile(found, 0.50) * 1e3, f"{title} p99 ms": percentile(found, 0.99) * 1e3}


def _spread(runs: list[Figures], column: str) -> str:
    values = [run[column] for run in runs if column in run]
    if not values:
        return "–"
    low, middle, high = (_number(value) for value in (min(values), median(values), max(values)))
    return middle if low == high else f"{middle} ({low}–{high})"


def _number(value: float) -> str:
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"
