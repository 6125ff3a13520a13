"""Walls where there is no bubblewrap: namespaces of its own, and a root folder of little else.

The root folder is a small tmpfs, in the end not to be written to, with the interpreter read-only,
/proc of the own processes, a few devices, and private, sized /tmp and /dev/shm.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import struct
from typing import Any, NoReturn

from .privileges import LIBC, die_with_parent

_NEWNS, _NEWCGROUP, _NEWUTS, _NEWIPC = 0x00020000, 0x02000000, 0x04000000, 0x08000000
_NEWUSER, _NEWPID, _NEWNET = 0x10000000, 0x20000000, 0x40000000
_NAMESPACES = _NEWNS | _NEWCGROUP | _NEWUTS | _NEWIPC | _NEWPID | _NEWNET

_READ_ONLY, _NO_SUID, _NO_DEV, _NO_EXEC = 1, 2, 4, 8  # mount(2), and the same for mount_setattr(2)
_BIND, _RECURSIVE, _PRIVATE = 4096, 16384, 1 << 18
_DETACH = 2  # umount2(2)
_SET_ATTRIBUTES, _HERE, _AND_BELOW = 442, -100, 0x8000  # mount_setattr, AT_FDCWD, AT_RECURSIVE
_DEVICES = ("full", "null", "random", "urandom", "zero")
_ROOT = "/tmp"  # covered by the new root until it is the root; it is there on every system


def enter(walls: dict[str, Any]) -> None:
    """Return behind walls, in the first process of a namespace; the caller stays outside and waits.

    Args:
        walls: ``read_only``, paths to be seen; ``links``, symbolic links and where they lead;
            ``empty``, folders among them to be seen empty; ``sizes``, bytes of the folders that
            can be written to, by their path.

    Raises:
        OSError: the system does not allow it.
    """
    user, group = os.geteuid(), os.getegid()
    own_user = 0 if user == 0 else _NEWUSER
    _check(LIBC.unshare(own_user | _NAMESPACES), "namespaces")
    if own_user:
        for name, text in (
            ("setgroups", "deny"),
            ("uid_map", f"{user} {user} 1"),
            ("gid_map", f"{group} {group} 1"),
        ):
            with open(f"/proc/self/{name}", "w") as file:  # noqa: PTH123
                file.write(text)
    if (inside := os.fork()) != 0:
        _wait(inside)
    die_with_parent()
    _new_root(walls)


def _wait(inside: int) -> NoReturn:
    """The outer half: it ends when all that is inside has ended."""
    _, status = os.waitpid(inside, 0)
    os._exit(os.waitstatus_to_exitcode(status) & 0xFF)


def _new_root(walls: dict[str, Any]) -> None:
    shown = {path: os.open(path, os.O_PATH) for path in walls["read_only"]}  # it may lie in _ROOT
    _mount(None, "/", None, _RECURSIVE | _PRIVATE)
    _mount("tmpfs", _ROOT, "tmpfs", _NO_SUID | _NO_DEV, "size=1m,mode=755")
    for path, descriptor in shown.items():
        _show(path, descriptor)
        os.close(descriptor)
    for path in walls["empty"]:
        _mount("tmpfs", _ROOT + path, "tmpfs", _READ_ONLY, "size=4k,mode=755")
    for link, target in walls["links"].items():
        os.makedirs(os.path.dirname(_ROOT + link), exist_ok=True)  # noqa: PTH103, PTH120
        os.symlink(target, _ROOT + link)  # noqa: PTH211
    for folder in ("/proc", "/dev", *walls["sizes"]):
        os.makedirs(_ROOT + folder, exist_ok=True)  # noqa: PTH103
    for name in _DEVICES:
        _touch(f"{_ROOT}/dev/{name}")
        _mount(f"/dev/{name}", f"{_ROOT}/dev/{name}", None, _BIND)
    os.symlink("/proc/self/fd", f"{_ROOT}/dev/fd")  # noqa: PTH211
    for folder, size in walls["sizes"].items():
        options = f"size={size},mode=1777"
        _mount("tmpfs", _ROOT + folder, "tmpfs", _NO_SUID | _NO_DEV, options)
    _mount("proc", f"{_ROOT}/proc", "proc", _NO_SUID | _NO_DEV | _NO_EXEC)
    os.chdir(_ROOT)
    _check(LIBC.pivot_root(b".", b"."), "pivot_root")  # the old root lies on top of the new one
    _check(LIBC.umount2(b".", _DETACH), "umount")
    os.chdir("/")
    _restrict("/", 0)


def _show(path: str, descriptor: int) -> None:
    """Let the same path lead to the same thing, only to be read."""
    place = _ROOT + path
    if os.path.isdir(f"/proc/self/fd/{descriptor}"):  # noqa: PTH112
        os.makedirs(place, exist_ok=True)  # noqa: PTH103
    else:
        _touch(place)
    _mount(f"/proc/self/fd/{descriptor}", place, None, _BIND | _RECURSIVE)
    _restrict(place, _AND_BELOW)


def _restrict(place: str, below: int) -> None:
    """Let nothing be written there, nor be run as another user."""
    attributes = struct.pack("=QQQQ", _READ_ONLY | _NO_SUID | _NO_DEV, 0, 0, 0)
    result = LIBC.syscall(
        _SET_ATTRIBUTES, _HERE, os.fsencode(place), below, attributes, len(attributes)
    )
    _check(result, f"read-only {place}")


def _touch(path: str) -> None:
    os.makedirs(os.path.dirname(path), exist_ok=True)  # noqa: PTH103, PTH120
    with contextlib.suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL, 0o444))


def _mount(
    source: str | None, target: str, kind: str | None, flags: int, options: str | None = None
) -> None:
    given = [None if text is None else os.fsencode(text) for text in (source, target, kind)]
    more = None if options is None else options.encode()
    _check(LIBC.mount(*given, ctypes.c_ulong(flags), more), f"a mount on {target}")


def _check(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
