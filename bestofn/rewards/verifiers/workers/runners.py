"""Runners of a check in this process: awaited on the event loop, or in a thread."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol

from bestofn.core.types import Candidate, Failure, Request
from bestofn.rewards.verifiers.verdicts import TIMED_OUT, Check


class Runner(Protocol):
    """Runs one check on one candidate at a time for each caller."""

    async def run(self, request: Request, candidate: Candidate) -> Any:
        """What the check returns, or a `Failure` where it takes too long.

        Raises:
            Exception: it raised, or what runs it failed.
        """
        ...

    def close(self) -> None:
        """Free what it holds; safe to call twice."""
        ...


def is_async(check: Check) -> bool:
    """Whether calling `check` gives something to await."""
    return inspect.iscoroutinefunction(check) or inspect.iscoroutinefunction(type(check).__call__)


class AsyncRunner:
    """Awaits an async check on the caller's event loop; it is cancelled at the timeout.

    Args:
        check: with its options bound.
        seconds: that one call may take; None: it has limits of its own.
    """

    def __init__(self, check: Check, seconds: float | None) -> None:
        self._check = check
        self._seconds = seconds

    async def run(self, request: Request, candidate: Candidate) -> Any:
        """See `Runner`."""
        return await _in_time(self._check(request, candidate), self._seconds)

    def close(self) -> None:
        """It holds nothing."""


class ThreadRunner:
    """Runs a function in a thread: the only way for one that another process cannot import.

    A thread cannot be stopped. Past the timeout the call has failed, and the function goes on; as
    long as it does, it keeps one of the threads, and Python from ending.

    Args:
        check: with its options bound.
        seconds: that one call may take; None: no limit.
        count: threads at most.
    """

    def __init__(self, check: Check, seconds: float | None, count: int) -> None:
        self._check = check
        self._seconds = seconds
        self._threads = ThreadPoolExecutor(count, thread_name_prefix="bestofn-verifier")

    async def run(self, request: Request, candidate: Candidate) -> Any:
        """See `Runner`."""
        loop = asyncio.get_running_loop()
        running = loop.run_in_executor(self._threads, self._check, request, candidate)
        return await _in_time(running, self._seconds)

    def close(self) -> None:
        """Drop what waits; a running function goes on."""
        self._threads.shutdown(wait=False, cancel_futures=True)


async def _in_time(verdict: Awaitable[Any], seconds: float | None) -> Any:
    """The verdict, or a failure after `seconds`; a TimeoutError of the check's own is raised."""
    limit = asyncio.timeout(seconds)
    try:
        async with limit:
            return await verdict
    except TimeoutError:
        if seconds is None or not limit.expired():
            raise
        return timeout_failure(seconds)


def timeout_failure(seconds: float) -> Failure:
    """Why an answer is not judged whose check took longer than `seconds`."""
    return Failure(TIMED_OUT, f"the verifier gave no verdict within {seconds:g} s")
