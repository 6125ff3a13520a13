"""Prints what one program takes in each of the sandbox's forms.

    .venv/bin/python -m benchmarks.sandbox [--rounds 30]

One program at a time, which adds two numbers: once as a main program that prints, and once called
by a test in a process beside it. "Python alone" is the start of the same interpreter that does
nothing. The time is from the job to the outcome, with everything cleaned up: the median of the
rounds and, in brackets, the lowest and the highest. The forms take turns.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable

from bestofn.core.types import Failure
from bestofn.rewards.verifiers.sandbox import client
from bestofn.rewards.verifiers.sandbox.choice import why_not
from bestofn.rewards.verifiers.sandbox.forms import FORMS, Form
from bestofn.rewards.verifiers.sandbox.interpreter import this_interpreter
from bestofn.rewards.verifiers.sandbox.job import Job, Limits

JOBS = {
    "prints": Job("print(1 + 2)"),
    "tested": Job("def add(a, b): return a + b", tests="assert add(1, 2) == 3"),
}


async def _alone() -> None:
    process = await asyncio.create_subprocess_exec(
        this_interpreter().executable, "-I", "-S", "-c", "pass"
    )
    await process.wait()


async def _run(job: Job, form: Form) -> None:
    outcome = await client.run(job, limits=Limits(), form=form)
    if isinstance(outcome, Failure) or not (outcome.passed or outcome.output):
        raise SystemExit(f"{form}: {outcome}")


async def measure(rounds: int) -> None:
    """Measure and print."""
    ways: dict[str, Callable[[], Awaitable[None]]] = {"Python alone": _alone}
    for form in FORMS:
        if form != "unsafe" and (reason := why_not(form)) is not None:
            print(f"{form}: not here ({reason})")
            continue
        for name, job in JOBS.items():
            ways[f"{form}, {name}"] = lambda job=job, form=form: _run(job, form)  # type: ignore[misc]
    times: dict[str, list[float]] = defaultdict(list)
    for each in range(rounds + 1):  # the first is to warm up
        for name, way in ways.items():
            started = time.perf_counter()
            await way()
            if each:
                times[name].append(1000 * (time.perf_counter() - started))
    for name, taken in times.items():
        print(f"{name:24} {statistics.median(taken):4.0f} ms [{min(taken):.0f}, {max(taken):.0f}]")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, add_help=True)
    parser.add_argument("--rounds", type=int, default=30)
    asyncio.run(measure(parser.parse_args().rounds))
