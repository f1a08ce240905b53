"""The web processes: gevent workers that hold thousands of sockets each."""

# First of all: psycopg looks, when it is imported, whether it may yield to other greenlets.
from gevent import monkey

monkey.patch_all()

import os
import resource
import shutil
import tempfile

from gunicorn.arbiter import Arbiter
from gunicorn.config import Config as GunicornConfig
from gunicorn.glogging import Logger
from gunicorn.workers.base import Worker

from webapp.config import from_env
from webapp.core.logging import JsonFormatter

_config = from_env()

bind = os.environ.get("BIND") or f"127.0.0.1:{_config.port}"
backlog = 4096
workers = _config.web_concurrency
worker_class = "gevent"
# Every open socket counts; when it is full, not even /healthz answers.
worker_connections = 10_000
# Heartbeats of the workers, in memory: a stalled disk must not look like a stalled worker.
worker_tmp_dir = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108 - gunicorn makes unlinked files in it
timeout = 60
graceful_timeout = 20
# An idle kept-alive connection holds a stopping worker for as long.
keepalive = 2
# A socket's address carries its JWT, and a host product's can be long.
limit_request_line = 8190
# It would lie in the home directory, where two runs would share it.
control_socket_disable = True
# Nothing large is shared yet, and without it no connection, thread or greenlet can slip in before the fork.
preload_app = False

# A balancer logs requests and /metrics counts them. `--access-logfile -` writes them here, without queries, which hold
# tokens.
accesslog = None
access_log_format = "%(m)s %(U)s %(s)s %(B)s bytes %(M)s ms"
loglevel = "warning"


class JsonLogger(Logger):
    """gunicorn's own lines in the format of all others."""

    def setup(self, cfg: GunicornConfig) -> None:
        super().setup(cfg)
        for handler in (*self.error_log.handlers, *self.access_log.handlers):
            handler.setFormatter(JsonFormatter())


logger_class = JsonLogger


def _raise_descriptor_limit() -> None:
    """One descriptor a socket: take what the system allows, up to a million (some allow more than a table can hold)."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 1 << 20 if hard == resource.RLIM_INFINITY else min(hard, 1 << 20)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


_raise_descriptor_limit()

# Where the workers add up their metrics; prometheus_client reads it when it is imported, in the workers.
_metrics_folder = tempfile.mkdtemp(prefix="focusmate-metrics-")
os.environ["PROMETHEUS_MULTIPROC_DIR"] = _metrics_folder


def post_worker_init(worker: Worker) -> None:
    """Sockets are told to come back (1012) when this worker is asked to stop."""
    from webapp.realtime import drain  # noqa: PLC0415 - it belongs to the worker, not to the process that forks it

    drain.watch(worker)


def child_exit(server: Arbiter, worker: Worker) -> None:  # noqa: ARG001 - gunicorn's signature
    """A gauge of a worker that has gone no longer counts."""
    from prometheus_client import multiprocess  # noqa: PLC0415 - only once the folder is set

    multiprocess.mark_process_dead(worker.pid)


def on_exit(server: Arbiter) -> None:  # noqa: ARG001 - gunicorn's signature
    """The metrics end with the processes that they count."""
    shutil.rmtree(_metrics_folder, ignore_errors=True)
