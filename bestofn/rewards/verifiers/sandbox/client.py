"""The sandbox seen from here: a Python program runs in processes of its own, within limits."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import tempfile

from bestofn.core.types import Failure
from bestofn.rewards.verifiers.sandbox.forms import FOLDER, UMASK, Form, command, environment
from bestofn.rewards.verifiers.sandbox.job import (
    SANDBOX_ERROR,
    Job,
    Limits,
    Outcome,
    messages,
    outcome,
)

_START_SECONDS = 60.0
"""Over the program's own, until the sandbox has started and cleaned up: the machine may be busy."""

_STOP_SECONDS = 5.0


async def run(job: Job, *, limits: Limits, form: Form) -> Outcome | Failure:
    """Run a program, and its tests beside it.

    The program has its own processes, session, user (where this process is root), environment,
    empty folder, and `Limits`; no file descriptor of this process, and only Python's standard
    library. Behind walls it also has no network, no other process to see, no file to read but the
    interpreter's and the system's libraries, and none to write outside /tmp and /dev/shm of its
    own. All that it starts is dead when this returns, or is cancelled, and nothing that it wrote is
    left. Without walls it can read whatever its user can (whatever this process can, where Python
    itself is readable to root alone), use the network and, unless this process is root, write and
    signal what belongs to the same user.

    Tests run in another process, which the program can neither look into nor steer: calls and
    results cross as values. See `bestofn.rewards.verifiers.sandbox.inside.remote` for what the
    program's own objects may be asked.

    Args:
        job: the program and what it is tried with.
        limits: that hold for it.
        form: what it runs in; see `bestofn.rewards.verifiers.sandbox.choice`.

    Returns:
        How it ended; a failure where the sandbox could not start or clean up.
    """
    async with contextlib.AsyncExitStack() as stack:
        folder = FOLDER
        if form == "unsafe":
            made = await asyncio.to_thread(
                tempfile.TemporaryDirectory, prefix="bestofn-", ignore_cleanup_errors=True
            )
            stack.push_async_callback(asyncio.to_thread, made.cleanup)
            folder = made.name
        try:
            return await _run(messages(job, limits, form, folder), limits, form, folder)
        except OSError as error:
            return Failure(SANDBOX_ERROR, f"the sandbox does not start: {error}")


async def _run(told: bytes, limits: Limits, form: Form, folder: str) -> Outcome | Failure:
    process = await asyncio.create_subprocess_exec(
        *command(form, limits.folder_bytes),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=environment(folder),
        cwd="/",
        umask=UMASK,
        start_new_session=True,
    )
    try:
        async with asyncio.timeout(_START_SECONDS + limits.seconds):
            return outcome(*await _talk(process, told))
    except TimeoutError:
        return Failure(
            SANDBOX_ERROR, f"the sandbox did not end {_START_SECONDS:.0f} s after its time"
        )
    finally:
        await _end(process)


async def _talk(process: asyncio.subprocess.Process, told: bytes) -> tuple[bytes, bytes]:
    """Hand over the job and wait for all that stdout and stderr say."""
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdin.write(told)
    with contextlib.suppress(ConnectionError):  # it is dead; what it says below tells why
        await process.stdin.drain()
    said, trouble = await asyncio.gather(process.stdout.read(), process.stderr.read())
    return said, trouble


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
