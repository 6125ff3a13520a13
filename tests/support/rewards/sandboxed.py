"""Programs run in the sandbox, and what of them is left."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from bestofn.core.types import Failure
from bestofn.rewards.verifiers.sandbox import client
from bestofn.rewards.verifiers.sandbox.forms import Form
from bestofn.rewards.verifiers.sandbox.job import Job, Limits, Outcome


async def run(
    program: str,
    form: Form,
    *,
    tests: str | None = None,
    stdin: str | None = None,
    limits: Limits | None = None,
) -> Outcome:
    """How it ended."""
    job = Job(program, tests, stdin)
    outcome = await client.run(job, limits=limits or Limits(), form=form)
    assert not isinstance(outcome, Failure), outcome
    return outcome


async def said(program: str, form: Form, *, limits: Limits | None = None) -> str:
    """What a program prints that ends well."""
    outcome = await run(program, form, limits=limits)
    assert (outcome.ended, outcome.status) == ("exit", 0), outcome
    return outcome.output.strip()


async def passes(program: str, tests: str, form: Form, *, limits: Limits | None = None) -> bool:
    """Whether a program passes its tests."""
    return (await run(program, form, tests=tests, limits=limits)).passed


def unique(number: int) -> str:
    """The number, in a form that no program of another run of the tests has."""
    return f"{number}.{os.getpid()}"


def command_lines() -> str:
    """Of every process of this machine."""
    lines = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            lines.append(path.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace"))
    return "\n".join(lines)
