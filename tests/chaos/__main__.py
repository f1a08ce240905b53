"""`make chaos`: load, faults, rest, proof; 1 if anything that must hold does not."""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.chaos.run import Run

SHORT_SECONDS = 25


def main(arguments: Sequence[str]) -> int:
    """Run once; the folder with all logs stays if something did not hold."""
    parser = argparse.ArgumentParser(prog="make chaos ARGS=…", description=__doc__)
    parser.add_argument("--seconds", type=float, default=1800, help="how long there is load and faults (1800)")
    parser.add_argument("--short", action="store_true", help=f"a form for CI: {SHORT_SECONDS} seconds of them")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6), help="what fixes the faults")
    parser.add_argument("--pause", type=float, default=1.0, help="mean seconds between two acts of a member (1)")
    asked = parser.parse_args(arguments)
    folder = Path(tempfile.mkdtemp(prefix="focusmate-chaos-"))
    print(f"seed {asked.seed}; logs in {folder / 'log'}", file=sys.stderr, flush=True)
    seconds = SHORT_SECONDS if asked.short else asked.seconds
    run = Run(folder, seed=asked.seed, seconds=seconds, pause=asked.pause)
    held = run.go()
    run.report()
    if held:
        shutil.rmtree(folder)
    else:
        print(f"logs of all processes: {folder / 'log'}")
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
