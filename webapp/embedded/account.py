"""Under which account and from which folder a server runs: PostgreSQL refuses root, root's home is closed to others."""

from __future__ import annotations

import hashlib
import os
import pwd
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from webapp.embedded.errors import StartError
from webapp.embedded.files import make_folder

READABLE_BY_ALL = Path("/var/lib/focusmate")

_CAP_DAC_OVERRIDE = 1
_CAP_DAC_READ_SEARCH = 2
# What an account may need to pass closed parent folders, from nothing upwards.
CAPABILITIES: tuple[int | None, ...] = (None, _CAP_DAC_READ_SEARCH, _CAP_DAC_OVERRIDE)

_LAUNCH = Path(__file__).with_name("launch.py")


@dataclass(frozen=True)
class Identity:
    """The account that a child runs under, and the file capability that it may keep to pass closed parent folders."""

    uid: int
    gid: int
    capability: int | None = None

    def __str__(self) -> str:
        parts = (self.uid, self.gid) if self.capability is None else (self.uid, self.gid, self.capability)
        return ":".join(map(str, parts))


@dataclass(frozen=True)
class Place:
    """Where a server's binary and its files lie, and who runs it (None: the present user)."""

    binary: Path
    directory: Path
    identity: Identity | None


def launched(
    command: Sequence[str | Path],
    identity: Identity | None,
    death_signal: signal.Signals = signal.SIGKILL,
) -> list[str]:
    """The command line that runs `command` under an account, ending with `death_signal` when this process dies."""
    launcher = [sys.executable, "-I", "-S", str(_LAUNCH), str(int(death_signal)), str(os.getpid())]
    return [*launcher, str(identity or "-"), *map(str, command)]


def choose_place(binary: Path, package: Path, directory: Path) -> Place:
    """Root hands the server to the folder's owner or to nobody; anyone else runs it as themselves.

    `binary` lies in the folder `package`. When that account can reach binary and folder neither plainly nor with one
    capability, it gets copies of both in `READABLE_BY_ALL`.
    """
    make_folder(directory)
    if os.geteuid() != 0:
        return Place(binary, directory, None)
    identity = _owner_or_nobody(directory)
    for capability in CAPABILITIES:
        candidate = replace(identity, capability=capability)
        if _reaches(candidate, binary, directory):
            return Place(binary, directory, candidate)
    return _shared_place(binary, package, directory, identity)


def _give(path: Path, identity: Identity) -> None:
    if path.stat().st_uid == identity.uid:
        return
    for entry in [*path.rglob("*"), path]:
        os.chown(entry, identity.uid, identity.gid, follow_symlinks=False)


def _owner_or_nobody(directory: Path) -> Identity:
    owner = directory.stat().st_uid
    try:
        account = pwd.getpwuid(owner) if owner else pwd.getpwnam("nobody")
    except KeyError:
        account = pwd.getpwnam("nobody")
    identity = Identity(account.pw_uid, account.pw_gid)
    try:
        _give(directory, identity)
    except OSError as error:
        raise _no_account(error) from error
    return identity


def _reaches(identity: Identity, binary: Path, directory: Path) -> bool:
    script = 'cd "$2" && exec "$1" --version'
    trial = subprocess.run(
        launched(["/bin/sh", "-c", script, "sh", binary, directory], identity),
        cwd="/",
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    return trial.returncode == 0


def _shared_place(binary: Path, package: Path, directory: Path, identity: Identity) -> Place:
    programs = READABLE_BY_ALL / f"{package.name}-{_mark(f'{binary} {binary.stat().st_mtime_ns}')}"
    target = READABLE_BY_ALL / f"{directory.name}-{_mark(str(directory))}"
    try:
        _copy_once(package, programs / package.name)
        libraries = package.with_name(package.name + ".libs")
        if libraries.is_dir():
            _copy_once(libraries, programs / libraries.name)
        _copy_once(directory, target)
        _give(target, identity)
    except OSError as error:
        raise _no_account(error) from error
    place = Place(programs / package.name / binary.relative_to(package), target, identity)
    if not _reaches(identity, place.binary, target):
        raise _no_account(PermissionError(f"{target}"))
    print(f"{directory} → {target}: 다른 계정도 닿는 곳으로 복사함 · copied to where another account can reach it")
    return place


def _mark(text: str) -> str:
    return hashlib.sha256(os.fsencode(text)).hexdigest()[:12]


def _copy_once(source: Path, target: Path) -> None:
    if target.exists():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    target.parent.chmod(0o755)  # whatever the umask is
    fresh = target.with_name(f"{target.name}.{os.getpid()}")
    shutil.rmtree(fresh, ignore_errors=True)
    shutil.copytree(source, fresh, symlinks=True)
    fresh.rename(target)


def _no_account(error: OSError) -> StartError:
    return StartError(
        f"루트가 아닌 계정으로 서버를 실행할 수 없습니다 ({error}). "
        "일반 사용자로 실행하거나 DATABASE_URL, REDIS_URL을 정해 주세요.",
        f"Can't run a server under an account other than root ({error}). "
        "Run as an ordinary user, or set DATABASE_URL and REDIS_URL.",
    )
