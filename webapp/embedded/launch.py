"""Run as a script by a fresh child: takes on an account and a death signal, then becomes the command.

    launch.py DEATH_SIGNAL PARENT ACCOUNT COMMAND ARGUMENT…

ACCOUNT is `uid:gid`, `uid:gid:capability`, or `-` for the present one. A script of its own, because code between fork
and exec in a process with threads may never come to its end.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1
_PR_SET_SECUREBITS = 28
_PR_CAP_AMBIENT = 47
_PR_CAP_AMBIENT_RAISE = 2
# access(2) drops the capabilities of an ordinary user unless this bit is set, and PostgreSQL asks
# access(2) about its own binaries. It also keeps the capabilities over setuid.
_SECBIT_NO_SETUID_FIXUP = 1 << 2
_CAPABILITY_VERSION_3 = 0x20080522

_libc = ctypes.CDLL(None, use_errno=True)


def main(death_signal: str, parent: str, account: str, *command: str) -> None:
    """Become the command; it ends with `death_signal` when the parent dies."""
    # Python ignores these two, and exec would hand that on.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    if account != "-":
        _become(*map(int, account.split(":")))
    # After the account, because a change of account clears it.
    _must(_libc.prctl(_PR_SET_PDEATHSIG, int(death_signal), 0, 0, 0))
    if os.getppid() == int(parent):
        os.execv(command[0], command)  # noqa: S606  # nosec B606


def _become(uid: int, gid: int, capability: int | None = None) -> None:
    os.setgroups([])
    if capability is not None:
        _must(_libc.prctl(_PR_SET_SECUREBITS, _SECBIT_NO_SETUID_FIXUP, 0, 0, 0))
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)
    if capability is not None:
        header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
        mask = 1 << capability
        _must(_libc.capset(header, (ctypes.c_uint32 * 6)(mask, mask, mask, 0, 0, 0)))
        _must(_libc.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, capability, 0, 0))


def _must(result: int) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


if __name__ == "__main__":
    main(*sys.argv[1:])
