"""`make run`: embedded servers where no address is given, the application on top, all of it stopped together."""

from __future__ import annotations

import http.client
import os
import shlex
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from webapp.config import Config
from webapp.embedded.announcement import ready_text
from webapp.embedded.claim import claimed_config
from webapp.embedded.errors import StartError
from webapp.embedded.files import last_lines, write_private
from webapp.embedded.plan import Command, Plan, application_plan
from webapp.embedded.postgres import start_postgres
from webapp.embedded.processes import Child, Server, run_to_end, start_child
from webapp.embedded.signals import StopSignals
from webapp.embedded.supervisor import STOP_SECONDS, Part, Supervisor
from webapp.embedded.valkey import start_valkey

PROJECT = Path(__file__).resolve().parents[2]
READY_SECONDS = 60.0

_JOB_SECONDS = 900.0


def main() -> int:
    """Run until asked to stop; 0 after a clean stop, 1 with one clear message when it can't start."""
    return run_application(os.environ, application_plan)


def run_application(env: Mapping[str, str], plan_of: Callable[[Config], Plan]) -> int:
    """Run the plan under the given environment until SIGINT, SIGTERM or SIGHUP; the result is an exit code."""
    signals = StopSignals()
    try:
        with claimed_config(env) as config:
            say("시작하는 중… · Starting…")
            Run(config, dict(env), Supervisor(signals, say), signals).until_stopped(plan_of(config))
    except StartError as error:
        say(str(error))
        return 1
    except OSError as error:
        say(f"실행하지 못했습니다: {error}\nCan't run: {error}")
        return 1
    return 0


def say(text: str) -> None:
    """Print a line; a terminal or a pipe that has gone does not stop a run."""
    try:
        print(text, flush=True)
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    except UnicodeEncodeError:
        print(text.encode("ascii", "replace").decode(), flush=True)


class EmbeddedServer:
    """A server that comes back on the port of its first start."""

    def __init__(self, name: str, start_on: Callable[[int | None], Server]) -> None:
        # All that is left of a stop: a database is not killed early.
        self.part = Part(name, self._start, grace=STOP_SECONDS)
        self.url = ""
        self._start_on = start_on
        self._port: int | None = None

    def _start(self) -> Child:
        server = self._start_on(self._port)
        self._port, self.url = server.port, server.url
        return server.child


@dataclass
class Run:
    """One run: its configuration, the environment that its children inherit, and who keeps them alive."""

    config: Config
    env: dict[str, str]
    supervisor: Supervisor
    signals: StopSignals

    def until_stopped(self, plan: Plan) -> None:
        """Start everything, say how to reach it, and keep it alive until a signal; nothing is left running after."""
        try:
            with self.signals.interrupting():
                self._start_servers()
                self._start_plan(plan)
            if self.supervisor.watch(self._is_ready, seconds=READY_SECONDS):
                say(ready_text(self.config))
                self.supervisor.watch()
            elif not self.signals.count:
                raise self._never_ready()
        except KeyboardInterrupt:
            pass  # asked to stop while something was starting
        finally:
            say("멈추는 중… · Stopping…")
            self.supervisor.stop()
            self._environment_file.unlink(missing_ok=True)

    def _start_servers(self) -> None:
        folder = self.config.data_dir
        postgres = EmbeddedServer(
            "PostgreSQL", lambda port: start_postgres(folder / "postgres", port=port, log=self._log("postgres"))
        )
        valkey = EmbeddedServer(
            "Valkey", lambda port: start_valkey(folder / "valkey", port=port, log=self._log("valkey"))
        )
        settings = {
            "DATABASE_URL": self.env.get("DATABASE_URL") or self._url_of(postgres),
            "REDIS_URL": self.env.get("REDIS_URL") or self._url_of(valkey),
            "SECRET_KEY": self.config.secret_key,
            "DATA_DIR": str(folder),
            "PORT": str(self.config.port),
        }
        exports = (f"export {name}={shlex.quote(value)}\n" for name, value in settings.items())
        write_private(self._environment_file, "".join(exports))
        self.env |= {**settings, "REQUIRES_WORKER": "1"}

    def _url_of(self, server: EmbeddedServer) -> str:
        self.supervisor.add(server.part)
        return server.url

    def _start_plan(self, plan: Plan) -> None:
        for job in plan.jobs:
            run_to_end(self._start(job), self._log(job.name), seconds=_JOB_SECONDS)
        for stage in plan.stages:
            self.supervisor.add(*(self._part(command) for command in stage))

    def _part(self, command: Command) -> Part:
        return Part(command.name, lambda: self._start(command), command.grace)

    def _start(self, command: Command) -> Child:
        return start_child(
            command.name,
            [sys.executable, "-m", *command.arguments],
            log=self._log(command.name),
            env=self.env,
            cwd=PROJECT,
            death_signal=command.death_signal,
        )

    def _is_ready(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.config.port, timeout=3)
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def _never_ready(self) -> StartError:
        folder = self.config.data_dir / "log"
        return StartError(
            f"앱이 {READY_SECONDS:g}초 안에 준비되지 않았습니다. 기록: {folder}",
            f"The app was not ready within {READY_SECONDS:g} seconds. Logs: {folder}\n{last_lines(self._log('web'))}",
        )

    def _log(self, name: str) -> Path:
        return self.config.data_dir / "log" / f"{name}.log"

    @property
    def _environment_file(self) -> Path:
        return self.config.data_dir / "run.env"


if __name__ == "__main__":
    sys.exit(main())
