"""The short form of `make chaos`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.slow
def test_nothing_is_lost_while_processes_die() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "tests.chaos", "--short"],
        cwd=Path(__file__).parents[2],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    print(run.stdout)
    assert run.returncode == 0, run.stdout
