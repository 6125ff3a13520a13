"""Another user, no capabilities, nothing gained by exec, and nobody who may look in."""

from __future__ import annotations

import ctypes
import os
import signal

LIBC = ctypes.CDLL(None, use_errno=True)

FIRST_USER = 2_010_000_000
"""Ids from here on nothing has: they are above what SSSD gives to accounts (to 2000200000) and
systemd to containers (to 1879048191). Each run is a user of its own, so that its processes are
counted, and killed, by themselves."""

NOBODY = 65534

_SET_PDEATHSIG, _SET_DUMPABLE, _SET_KEEPCAPS, _CAPBSET_DROP = 1, 4, 8, 24  # prctl(2)
_SET_SUBREAPER, _NO_NEW_PRIVILEGES, _CAP_AMBIENT, _AMBIENT_CLEAR_ALL = 36, 38, 47, 4
_CAPABILITIES_V3, _READ_ALL = 0x20080522, 1 << 2  # capset(2), CAP_DAC_READ_SEARCH
_LAST_CAPABILITY = 63


def prctl(option: int, value: int = 0) -> int:
    """prctl(2) with one argument; -1 where the kernel refuses."""
    return int(LIBC.prctl(option, ctypes.c_ulong(value), 0, 0, 0))


def hide() -> None:
    """Let nobody of the same user trace this process, or open its memory or descriptors."""
    prctl(_SET_DUMPABLE, 0)


def show() -> None:
    """Undo `hide`: /proc/self belongs to the process again."""
    prctl(_SET_DUMPABLE, 1)


def adopt_orphans() -> None:
    """Whoever loses its parent below this process becomes its child."""
    prctl(_SET_SUBREAPER, 1)


def die_with_parent() -> None:
    """Get SIGKILL when the parent ends; to be said again after each change of user."""
    prctl(_SET_PDEATHSIG, signal.SIGKILL)


def drop(*, keep_reading: bool, folder: str | None) -> None:
    """Become a user without an account where this one is root, and give up every capability.

    Args:
        keep_reading: whether, from root, the right to read everything is kept where the new user
            could not read Python's library otherwise: for the form without walls only.
        folder: that the new user gets; None: none.

    Raises:
        PermissionError: nobody but root can read Python's library.
    """
    for capability in range(_LAST_CAPABILITY + 1):
        prctl(_CAPBSET_DROP, capability)  # refused without the capability to do so, or beyond
    kept = 0
    if os.getuid() == 0 and (user := _new_user()) is not None:
        kept = _become(user, keep_reading=keep_reading, folder=folder)
    LIBC.prctl(_CAP_AMBIENT, _AMBIENT_CLEAR_ALL, 0, 0, 0)
    header = (ctypes.c_uint32 * 2)(_CAPABILITIES_V3, 0)
    sets = (ctypes.c_uint32 * 6)(kept, kept)  # effective, permitted
    if LIBC.capset(header, sets) != 0:
        raise PermissionError(f"no other user can read Python's library, {os.__file__}")
    prctl(_NO_NEW_PRIVILEGES, 1)


def _new_user() -> int | None:
    """An id that nothing has, as group already; None: this root may become nobody else."""
    fresh = FIRST_USER + int.from_bytes(os.urandom(3), "big")
    for user in (fresh, NOBODY):  # a container may have no such ids
        try:
            os.setresgid(-1, user, -1)
        except OSError:
            continue
        return user
    return None


def _become(user: int, *, keep_reading: bool, folder: str | None) -> int:
    """Be that user for good; the capabilities that are to stay."""
    os.setgroups([])
    if folder is not None:
        os.chown(folder, user, user)
    os.setresuid(-1, user, -1)
    readable = _is_readable(os.__file__)
    os.setresuid(-1, 0, -1)
    if not readable and not keep_reading:
        raise PermissionError(f"no other user can read Python's library, {os.__file__}")
    prctl(_SET_KEEPCAPS, 0 if readable else 1)
    os.setresgid(user, user, user)
    os.setresuid(user, user, user)
    return 0 if readable else _READ_ALL


def _is_readable(path: str) -> bool:
    try:
        os.close(os.open(path, os.O_RDONLY))
    except PermissionError:
        return False
    return True
