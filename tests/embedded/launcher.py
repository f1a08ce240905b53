"""Starts both servers in a folder, prints their URLs and process ids, and waits to be killed."""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path

from webapp.embedded.postgres import start_postgres
from webapp.embedded.valkey import start_valkey

if __name__ == "__main__":
    folder = Path(sys.argv[1])
    servers = [start_postgres(folder / "postgres", fsync=False), start_valkey(folder / "valkey")]
    print(json.dumps([[server.url, server.pid] for server in servers]), flush=True)
    signal.pause()
