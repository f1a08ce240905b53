"""Which faults strike what, when and for how long: all of it drawn from the seed beforehand."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Literal

Blow = Literal["kill", "kill a child", "freeze"]

# How often each part is struck, beside the others.
PARTS = {"web1": 4, "web2": 4, "worker": 3, "beat": 2, "valkey": 4, "postgres": 3}
BLOWS: dict[str, tuple[Blow, ...]] = {
    "web1": ("kill", "kill a child", "freeze"),
    "web2": ("kill", "kill a child", "freeze"),
    "worker": ("kill", "freeze"),
    "beat": ("kill", "freeze"),
    "valkey": ("kill", "freeze"),
    "postgres": ("kill", "kill a child", "freeze"),
}
PAUSE_SECONDS = (1.5, 5.0)
DOWN_SECONDS = (0.0, 3.0)
FROZEN_SECONDS = (0.5, 5.0)
# A part that was started again is left alone for as long, so that it is there at all.
MERCY_SECONDS = 6.0


@dataclass(frozen=True, slots=True)
class Fault:
    """At `at` seconds `part` is struck; `seconds` later it is started again, or goes on."""

    at: float
    part: str
    blow: Blow
    seconds: float
    child: float


def drawn(seed: int, seconds: float) -> list[Fault]:
    """The faults of a run. Every part is struck in its turn before any is drawn freely."""
    chance = random.Random(seed)
    first = chance.sample(list(PARTS), len(PARTS))
    busy_until = dict.fromkeys(PARTS, 0.0)
    faults: list[Fault] = []
    at = 2.0
    while (at := at + chance.uniform(*PAUSE_SECONDS)) < seconds:
        free = {part: weight for part, weight in PARTS.items() if busy_until[part] <= at}
        owed = [part for part in first if part in free]
        if not free:
            continue
        part = owed[0] if owed else chance.choices(list(free), list(free.values()))[0]
        first = [each for each in first if each != part]
        blow = chance.choice(BLOWS[part])
        down = chance.uniform(*(FROZEN_SECONDS if blow == "freeze" else DOWN_SECONDS))
        faults.append(Fault(at, part, blow, down, chance.random()))
        busy_until[part] = at + down + MERCY_SECONDS
    return faults
