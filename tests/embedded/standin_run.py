"""`make run` with stand-ins: `python -m tests.embedded.standin_run JOB STAGE…`, each a name that standin.py knows."""

from __future__ import annotations

import os
import sys

from webapp.embedded.plan import Command, Plan
from webapp.embedded.run import run_application


def command(name: str) -> Command:
    return Command(name, ("tests.embedded.standin", name), grace=1.0)


if __name__ == "__main__":
    job, *stages = sys.argv[1:]
    plan = Plan((command(job),), tuple((command(stage),) for stage in stages))
    sys.exit(run_application(os.environ, lambda _: plan))
