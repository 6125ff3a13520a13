"""What a process may take: the kernel's limits, set by the process itself."""

from __future__ import annotations

import contextlib
import os
import resource
from collections.abc import Iterator
from typing import Any


def apply(job: dict[str, Any]) -> None:
    """Set the limits of `job` for this process and what it starts.

    A program as a whole is held by what watches over it (`watching`), and by the number of its
    processes; these hold for each process by itself.
    """
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as file:  # noqa: PTH123
        file.write("1000")
    seconds = int(job["seconds"]) + 1
    for what, limit in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_AS, job["memory_bytes"]),
        (resource.RLIMIT_FSIZE, job["file_bytes"]),
        (resource.RLIMIT_NOFILE, job["open_files"]),
        (resource.RLIMIT_NPROC, job["processes"] + _others()),
        (resource.RLIMIT_MSGQUEUE, 0),
    ):
        _, most = resource.getrlimit(what)
        limit = limit if most == resource.RLIM_INFINITY else min(limit, most)
        resource.setrlimit(what, (limit, limit))


def processes() -> Iterator[int]:
    """Those that are to be seen, whosever they are."""
    with contextlib.suppress(OSError):
        yield from map(int, filter(str.isdigit, os.listdir("/proc")))  # noqa: PTH208


def _others() -> int:
    """Threads of this user that are there before: the kernel's limit is on all of them."""
    own, count = os.getuid(), 0
    for process in processes():
        with contextlib.suppress(OSError):
            if os.stat(f"/proc/{process}").st_uid == own:  # noqa: PTH116
                count += len(os.listdir(f"/proc/{process}/task"))  # noqa: PTH208
    return count
