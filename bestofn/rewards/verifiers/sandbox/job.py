"""A job for the sandbox: a program, what it is tried with, and the limits that hold for it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any, Literal

from bestofn.core.types import Failure
from bestofn.rewards.verifiers.sandbox.forms import Form, walls

SANDBOX_ERROR = "sandbox_error"
"""`Failure.reason` where the sandbox itself does not work."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one program may take.

    Args:
        seconds: on the clock, tests included, and (rounded up) of CPU time in each process.
            HumanEval's own harness gives 3; here many run at once.
        memory_bytes: of address space in each process, and of memory in all of the program's
            together.
        processes: of its own at once, threads counted.
        file_bytes: in one file.
        folder_bytes: in its folder, and as much again in /dev/shm; behind walls only.
        open_files: in each process.
        output_bytes: printed; one that prints more is ended.
    """

    seconds: float = 5.0
    memory_bytes: int = 512 * 2**20
    processes: int = 32
    file_bytes: int = 16 * 2**20
    folder_bytes: int = 64 * 2**20
    open_files: int = 64
    output_bytes: int = 2**20


@dataclass(frozen=True, slots=True)
class Job:
    """One program and what it is tried with.

    Args:
        program: Python.
        tests: Python that runs in a process of its own and sees the program's names; None: the
            program is run as the main one, and judged by what it prints.
        stdin: what it reads, where it has no tests.
    """

    program: str
    tests: str | None = None
    stdin: str | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a program ended.

    Args:
        ended: by itself (exit), or it was ended: out of time (timeout), with too much printed
            (output), with too much memory or too many processes in all (memory, processes), or by
            its own deed, with what watches over it (killed).
        status: of its exit, or its tests'; negative: the signal that ended it.
        passed: whether every line of the tests was reached, and none raised.
        output: what it printed, where it has no tests.
        said: why the tests did not pass.
        unusable: whether that is because of the tests themselves.
    """

    ended: Literal["exit", "timeout", "output", "memory", "processes", "killed"]
    status: int = 0
    passed: bool = False
    output: str = ""
    said: str = ""
    unusable: bool = False


def messages(job: Job, limits: Limits, form: Form, folder: str) -> bytes:
    """What the inside reads: the program with its limits, and then, apart, the tests."""
    first = {
        "program": job.program,
        "tested": job.tests is not None,
        "stdin": job.stdin,
        "folder": folder,
        "walls": walls(form, limits.folder_bytes),
        **asdict(limits),
    }
    parts = [first] if job.tests is None else [first, {"tests": job.tests}]
    return b"".join(map(_message, parts))


def outcome(said: bytes, trouble: bytes) -> Outcome | Failure:
    """What stdout and stderr of the inside say."""
    last = trouble.decode("utf-8", "replace").strip().rpartition("\n")[2]
    lines = [json.loads(line) for line in said.splitlines()]
    if not lines or last:
        return Failure(SANDBOX_ERROR, f"the sandbox fails: {last or 'it says nothing'}")
    return Outcome("killed") if len(lines) == 1 else Outcome(**lines[1])


def _message(part: dict[str, Any]) -> bytes:
    body = json.dumps(part).encode()
    return f"{len(body):08x}".encode() + body
