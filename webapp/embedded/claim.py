"""What a run must have for itself before anything starts: a sound configuration, its folder and its port."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

from webapp.config import Config, ConfigError, from_env
from webapp.embedded.errors import StartError
from webapp.embedded.files import held_lock, kept_secret, make_folder
from webapp.embedded.processes import is_port_free, wait_until

# Web processes of a run that was killed may still be draining.
_PORT_SECONDS = 2.0


@contextmanager
def claimed_config(env: Mapping[str, str]) -> Iterator[Config]:
    """The configuration, with a kept secret where none is set, while its folder and port are this run's alone."""
    has_secret = bool(env.get("SECRET_KEY"))
    try:
        config = from_env(env if has_secret else {**env, "SECRET_KEY": secrets.token_urlsafe(48)})
    except ConfigError as error:
        raise StartError(f"설정이 잘못되었습니다: {error}", f"A setting is wrong: {error}") from error
    with ExitStack() as held:
        _claim_folder(config.data_dir, held)
        _require_port(config.port)
        if not has_secret:
            config = replace(config, secret_key=kept_secret(config.data_dir / "secret_key", config.secret_key))
        yield config


def _claim_folder(folder: Path, held: ExitStack) -> None:
    try:
        make_folder(folder, 0o755)
        held.enter_context(held_lock(folder / "run.lock"))
        make_folder(folder / "log")
        for entry in (folder, folder / "log"):
            (entry / ".writable").touch()
            (entry / ".writable").unlink()
    except OSError as error:
        raise StartError(
            f"데이터 폴더에 쓸 수 없습니다: {error}. DATA_DIR로 다른 폴더를 정해 주세요.",
            f"Can't write to the data folder: {error}. Set DATA_DIR to another one.",
        ) from error


def _require_port(port: int) -> None:
    if 0 < port < 65536 and wait_until(lambda: is_port_free(port, ""), _PORT_SECONDS):
        return
    raise StartError(
        f"포트 {port}번을 쓸 수 없습니다. 다른 프로그램이 쓰고 있다면 PORT=8001처럼 다른 번호를 정해 주세요.",
        f"Port {port} can't be used. If another program has it, choose another one, such as PORT=8001.",
    )
