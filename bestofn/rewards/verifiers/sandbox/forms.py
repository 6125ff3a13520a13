"""The sandbox's forms: what stands between a program and this machine.

| form       | walls                                               | there where                |
|------------|-----------------------------------------------------|----------------------------|
| bubblewrap | bubblewrap's namespaces and mounts, no capability,  | ``bwrap`` is installed     |
|            | a filter on system calls                            |                            |
| namespaces | the same, made by `inside.walls`                    | the system allows it       |
| unsafe     | none: limits on time, memory and processes, and,    | always, but only on demand |
|            | from root, another user                             |                            |

Behind walls a program sees the interpreter and the system's libraries, an empty /tmp and /dev/shm
of its own, no network, no other process, and no more of the file system.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any, Literal, get_args

from bestofn.rewards.verifiers.sandbox.interpreter import this_interpreter

Form = Literal["bubblewrap", "namespaces", "unsafe"]
"""What a program runs in."""

Walled = Literal["bubblewrap", "namespaces"]

WALLED: tuple[Walled, ...] = get_args(Walled)
"""In the order in which they are taken."""

FORMS: tuple[Form, ...] = get_args(Form)

INSTALL = "apt install bubblewrap"
"""How bubblewrap comes to be there on Debian and Ubuntu; other systems call it the same."""

FOLDER = "/tmp"
"""Where a program works behind walls."""

UMASK = 0o022
"""Of what is started: another user has to find a way through the folders that it makes."""

_HERE = Path(__file__).parent
_THERE = "/sandbox"
_BOOT = (
    "import sys; sys.path.insert(0, sys.argv[1]); from inside.main import main; del sys.path[0]; "
    "main(sys.argv[2])"
)


def sizes(folder_bytes: int) -> dict[str, int]:
    """The folders that a program behind walls may write to, and their bytes."""
    return {FOLDER: folder_bytes, "/dev/shm": folder_bytes}


def walls(form: Form, folder_bytes: int) -> dict[str, Any] | None:
    """What the inside is told to build; None: nothing."""
    if form != "namespaces":
        return None
    python = this_interpreter()
    return {
        "read_only": list(python.read_only),
        "links": python.links,
        "empty": list(python.empty),
        "sizes": sizes(folder_bytes),
    }


def command(form: Form, folder_bytes: int) -> list[str]:
    """What is started; it reads the job from stdin.

    Raises:
        FileNotFoundError: bubblewrap is not installed.
    """
    python = [this_interpreter().executable, "-I", "-S", "-X", "utf8", "-c", _BOOT]
    if form != "bubblewrap":
        return [*python, str(_HERE), form]
    if (bubblewrap := shutil.which("bwrap")) is None:
        raise FileNotFoundError(f"bubblewrap is not installed ({INSTALL})")
    return [bubblewrap, *_bubblewrap(folder_bytes), *python, _THERE, form]


def environment(folder: str) -> dict[str, str]:
    """All variables that a program sees."""
    return {"HOME": folder, "LANG": "C.UTF-8", "PATH": os.defpath, "TMPDIR": folder}


def _bubblewrap(folder_bytes: int) -> list[str]:
    python = this_interpreter()
    flags = [
        *("--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts"),
        *("--unshare-cgroup-try", "--die-with-parent", "--new-session", "--as-pid-1"),
        *("--cap-drop", "ALL"),
    ]
    if os.geteuid() == 0:  # the inside becomes a user without an account, and so loses these two
        flags += ["--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"]
    else:
        flags.append("--unshare-user")
    shown = [*python.read_only, f"{_THERE}/inside"]
    above = {parent for path in shown for parent in Path(path).parents}
    for folder in sorted(map(str, above - {Path("/")})):  # which only their owner could enter
        flags += ["--perms", "0755", "--dir", folder]
    for path in python.read_only:
        flags += ["--ro-bind", path, path]
    for path in python.empty:
        flags += ["--size", "4096", "--tmpfs", path, "--remount-ro", path]
    for link, target in python.links.items():
        flags += ["--symlink", target, link]
    flags += ["--ro-bind", str(_HERE / "inside"), f"{_THERE}/inside", "--proc", "/proc"]
    flags += ["--dev", "/dev"]
    for folder, size in sizes(folder_bytes).items():
        flags += ["--perms", "1777", "--size", str(size), "--tmpfs", folder]
    flags += ["--remount-ro", "/dev", "--remount-ro", "/", "--chdir", FOLDER, "--clearenv"]
    for name, value in environment(FOLDER).items():
        flags += ["--setenv", name, value]
    return [*flags, "--"]
