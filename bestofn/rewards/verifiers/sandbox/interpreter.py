"""What a program has to see to run at all: this interpreter, its library and the system's.

Third-party packages are no part of it: their folders are shown empty.
"""

from __future__ import annotations

import functools
import os
import sys
from dataclasses import dataclass
from pathlib import Path

_SYSTEM = ("/lib", "/lib32", "/lib64", "/usr/lib", "/usr/lib32", "/usr/lib64")
_LOADER = "/etc/ld.so.cache"
"""Where the loader finds libraries."""

_PACKAGES = "/usr/lib/python3/dist-packages"
"""Debian's, for all versions of Python."""


@dataclass(frozen=True, slots=True)
class Interpreter:
    """Python, as files.

    Args:
        executable: not that of a virtual environment, but what that stands for.
        read_only: files and folders that have to be there, none below another.
        links: symbolic links that have to be there, and where they lead.
        empty: folders in them that are shown empty.
    """

    executable: str
    read_only: tuple[str, ...]
    links: dict[str, str]
    empty: tuple[str, ...]


@functools.cache
def this_interpreter() -> Interpreter:
    """The one that runs this."""
    executable = os.path.realpath(getattr(sys, "_base_executable", None) or sys.executable)
    prefixes = (Path(sys.base_prefix), Path(sys.base_exec_prefix))
    own = [prefix / name for prefix in prefixes for name in ("lib", "lib64")]
    library = Path(os.__file__).parent  # sysconfig would name the virtual environment's
    wanted = [*map(Path, (*_SYSTEM, _LOADER, executable)), *own, library]
    there = {path.resolve() for path in wanted if path.exists()}
    outermost = sorted(path for path in there if not there & {*path.parents})
    links = {
        str(path): str(path.readlink())
        for path in wanted
        if path.is_symlink() and not {*outermost} & {*path.parents}
    }
    packages = (library / "site-packages", library / "dist-packages", Path(_PACKAGES))
    empty = {path.resolve() for path in packages if path.is_dir()}
    return Interpreter(
        executable,
        tuple(map(str, outermost)),
        links,
        tuple(sorted(str(path) for path in empty if {*outermost} & {*path.parents})),
    )
