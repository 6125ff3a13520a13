"""The sandbox seen from here: a Python program runs in a process of its own, within limits."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import signal
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from bestofn.core.types import Failure

logger = logging.getLogger(__name__)

SANDBOX_ERROR = "sandbox_error"
"""`Failure.reason` where the sandbox itself does not work."""

_SUPERVISOR = Path(__file__).with_name("supervisor.py")
_START_SECONDS = 60.0
"""Over the program's own, until the sandbox has started and cleaned up: the machine may be busy."""

_STOP_SECONDS = 5.0
_warned: set[str] = set()
"""What has been logged: once is enough."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one program may take.

    Args:
        seconds: on the clock, and (rounded up) of CPU time in each process. HumanEval's own harness
            gives 3; here many run at once.
        memory_bytes: of address space in each process.
        processes: of its own at once, threads counted.
        file_bytes: in one file.
        open_files: in each process.
        output_bytes: printed; one that prints more is ended.
    """

    seconds: float = 5.0
    memory_bytes: int = 512 * 2**20
    processes: int = 32
    file_bytes: int = 16 * 2**20
    open_files: int = 64
    output_bytes: int = 2**20


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a program ended.

    Args:
        ended: by itself (exit), or it was ended: out of time (timeout), too much output (output),
            or by its own deed, with what watches over it (killed).
        status: of its exit; negative: the signal that ended it.
        proven: whether the end of the last source was reached.
        output: what it printed; "" unless it ran as main.
    """

    ended: Literal["exit", "timeout", "output", "killed"]
    status: int = 0
    proven: bool = False
    output: str = ""


async def run(
    sources: Sequence[str], *, limits: Limits, main: bool = False, stdin: str | None = None
) -> Outcome | Failure:
    """Run Python sources one after the other in one module of a new process.

    This is isolation of resources, and no security boundary against hostile code. The program has
    its own process, session, user (where this process is root), empty folder and environment, and
    `Limits`. It has no file descriptor of this process and only Python's standard library. All that
    it starts is dead when this returns, or is cancelled. Where the system lets this process make
    namespaces, it also has no network, not even to this machine, and sees no process but its own;
    elsewhere a warning is logged, it can reach the network, and, unless this process is root,
    signal what belongs to the same user. It can read whatever its user can (whatever this process
    can, where Python itself is readable to root alone), and, unless this process is root, write
    what its user can, up to the limits.

    That the end was reached is proven by a number that does not exist in the process before: to
    exit early with any status, to print, or to catch exceptions, proves nothing. Code that sets out
    to can still take it from the pipe that it comes by.

    Args:
        sources: Python; a `__name__` of ``__main__`` where `main`, else ``answer``.
        limits: that hold for it.
        main: whether it is a program that is judged by what it prints; its output is thrown away
            otherwise.
        stdin: what it reads; None: nothing.

    Returns:
        How it ended; a failure where the sandbox could not start or clean up.
    """
    folder = await asyncio.to_thread(
        tempfile.TemporaryDirectory, prefix="bestofn-", ignore_cleanup_errors=True
    )
    job = {
        "sources": list(sources),
        "main": main,
        "stdin": stdin,
        "folder": folder.name,
        "seconds": limits.seconds,
        "memory_bytes": limits.memory_bytes,
        "processes": limits.processes,
        "file_bytes": limits.file_bytes,
        "open_files": limits.open_files,
        "output_bytes": limits.output_bytes,
    }
    try:
        return await _run(json.dumps(job).encode() + b"\n", folder.name, limits.seconds)
    except OSError as error:
        return Failure(SANDBOX_ERROR, f"the sandbox does not start: {error}")
    finally:
        await asyncio.to_thread(folder.cleanup)


async def _run(job: bytes, folder: str, seconds: float) -> Outcome | Failure:
    environment = {"HOME": folder, "LANG": "C.UTF-8", "PATH": os.defpath, "TMPDIR": folder}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-I", "-S", "-X", "utf8", str(_SUPERVISOR)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=environment,
        cwd="/",
        start_new_session=True,
    )
    try:
        async with asyncio.timeout(_START_SECONDS + seconds):
            said, trouble = await _talk(process, job)
    except TimeoutError:
        return Failure(
            SANDBOX_ERROR, f"the sandbox did not end {_START_SECONDS:.0f} s after its time"
        )
    finally:
        await _end(process)
    return _outcome(said, trouble)


async def _talk(process: asyncio.subprocess.Process, job: bytes) -> tuple[list[Any], str]:
    """Hand over the job and wait: what the supervisor says, and the last line of its stderr."""
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdin.write(job)
    with contextlib.suppress(ConnectionError):  # it is dead; what it says below tells why
        await process.stdin.drain()
    said, trouble = await asyncio.gather(process.stdout.read(), process.stderr.read())
    last = trouble.decode("utf-8", "replace").strip().rpartition("\n")[2]
    return [json.loads(line) for line in said.splitlines()], last


async def _end(process: asyncio.subprocess.Process) -> None:
    """See that it is dead. The end of its stdin tells the supervisor to clean up and leave."""
    assert process.stdin is not None
    process.stdin.close()
    try:
        await asyncio.wait_for(process.wait(), _STOP_SECONDS)
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


def _outcome(said: list[Any], trouble: str) -> Outcome | Failure:
    if not said or trouble:
        return Failure(SANDBOX_ERROR, f"the sandbox fails: {trouble or 'it says nothing'}")
    if not said[0]["separate"]:
        _warn_once(
            "namespaces are not allowed here: code that is verified can use the network and sees "
            "other processes"
        )
    if len(said) == 1:
        return Outcome("killed")
    report = said[1]
    return Outcome(report["ended"], report["status"], report["proven"], report["output"])


def _warn_once(what: str) -> None:
    if what not in _warned:
        _warned.add(what)
        logger.warning("%s", what)
