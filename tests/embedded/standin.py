"""Stands in for a part of the application: `python -m tests.embedded.standin NAME`.

`web` answers at /readyz; `job` and `failing-job` end at once; `deaf` ignores requests to stop; others wait.
Each makes the file `NAME is up`; whatever is asked to stop writes its name into DATA_DIR/order.
"""

from __future__ import annotations

import os
import signal
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

FOLDER = Path(os.environ["DATA_DIR"])


class Ready(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (the name that http.server gives)
        pass


def stop(*_: object) -> None:
    with (FOLDER / "order").open("a") as order:
        order.write(sys.argv[1] + "\n")
    sys.exit(0)


if __name__ == "__main__":
    name = sys.argv[1]
    signal.signal(signal.SIGTERM, signal.SIG_IGN if name == "deaf" else stop)
    (FOLDER / f"{name} is up").touch()
    if name == "web":
        HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Ready).serve_forever()
    elif name == "job":
        (FOLDER / "environment").write_text("\n".join(f"{key}={value}" for key, value in os.environ.items()))
    elif name == "failing-job":
        sys.exit("the job has failed on purpose")
    else:
        while True:
            signal.pause()
