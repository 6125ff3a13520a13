"""The verifier as a reward model: a check of each answer by itself, 1 for right and 0 for wrong."""

from __future__ import annotations

import asyncio
import inspect
import logging
import math
import os
import weakref
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from bestofn.core.errors import ConfigError
from bestofn.core.no_winner import RewardError
from bestofn.core.types import Candidate, Failure, Request, Score
from bestofn.rewards.verifiers.verdicts import NO_REFERENCE, RAISED, Check, score_from_verdict
from bestofn.rewards.verifiers.workers.pool import WorkerPool
from bestofn.rewards.verifiers.workers.runners import AsyncRunner, Runner, ThreadRunner, is_async
from bestofn.rewards.verifiers.workers.worker import Job
from bestofn.support.concurrency import gather_or_cancel
from bestofn.support.error_text import first_line
from bestofn.support.import_path import load_function
from bestofn.support.nearest import did_you_mean

logger = logging.getLogger(__name__)

SECONDS = 10.0
"""That a check may take: math-verify's own limits, five for reading and five for comparing."""

MOST_WORKERS = 8
"""At most by default, however many CPUs there are: one with sympy in it takes 80 MB."""


class VerifierRewardModel:
    """The reward is what a check says of an answer: 1 for right and 0 for wrong, or its number.

    What the check cannot say is a failure of the candidate: ``no_reference``, ``no_verdict``,
    ``wrong_type``, ``reward_not_finite``, ``verifier_error``, ``verifier_timeout``, or the reason
    of a `Failure` that it returns.

    How a check runs depends on what it is. An async one is awaited on the event loop. A plain
    function that is named by its path runs in worker processes: they can be killed at the timeout,
    and a slow check, which holds the interpreter's lock, does not slow down anything else. One that
    is given as an object may exist in this process only (a lambda, a closure), so it runs in a
    thread, which cannot be stopped: it fails at the timeout, but goes on.

    `score` may be called from any number of tasks and event loops at once.

    Args:
        check: ``(request, candidate) -> Verdict``, see `bestofn.rewards.verifiers.verdicts`, or
            its import path, ``package.module:function``.
        name: of the verifier; stands in failures' details.
        timeout: seconds for one candidate; None: no limit, for a check that keeps one itself.
        concurrency: candidates checked at once; None: one for each CPU, 8 at most.
        needs_reference: whether a request without `Request.reference` fails unchecked.
        options: keyword arguments of each call.
        memory_mb: of address space that a worker process may take, in MiB; None: no limit.

    Raises:
        ConfigError: the path leads to nothing callable, an argument is out of its range or has no
            effect, or the check does not take the options.
        Exception: whatever the module at the path raises while it is imported.
    """

    def __init__(
        self,
        check: Check | str,
        *,
        name: str = "the verifier",
        timeout: float | None = SECONDS,
        concurrency: int | None = None,
        needs_reference: bool = False,
        options: Mapping[str, Any] | None = None,
        memory_mb: int | None = None,
    ) -> None:
        for what, value in (
            ("timeout", timeout),
            ("concurrency", concurrency),
            ("memory_mb", memory_mb),
        ):
            if value is not None and not (0 < value < math.inf):
                raise ConfigError(f"{what} of {name} is {value}; it must be above 0")
        self._name = name
        self._needs_reference = needs_reference
        self._concurrency = concurrency or min(os.cpu_count() or 1, MOST_WORKERS)
        self._slots: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore]
        self._slots = weakref.WeakKeyDictionary()
        self._runner = self._runner_of(check, timeout, dict(options or {}), memory_mb)

    async def score(self, request: Request, candidates: Sequence[Candidate]) -> list[Score]:
        """One `Score` per candidate, in the order given: a
        `bestofn.core.protocols.RewardModel`."""
        if self._needs_reference and request.reference is None:
            detail = f"{self._name} needs a reference, and the request has none"
            return [Score(None, failure=Failure(NO_REFERENCE, detail))] * len(candidates)
        return await gather_or_cancel(self._score(request, each) for each in candidates)

    def close(self) -> None:
        """End the workers, and what they run; safe to call twice."""
        self._runner.close()

    async def _score(self, request: Request, candidate: Candidate) -> Score:
        async with self._slot():
            try:
                verdict = await self._runner.run(request, candidate)
            # The check is anybody's: what it raises, be it sys.exit(), is one answer's failure.
            except (Exception, SystemExit) as error:
                logger.debug(
                    "%s raised on candidate %d", self._name, candidate.index, exc_info=error
                )
                cause = str(error) if isinstance(error, RewardError) else first_line(error)
                verdict = Failure(RAISED, f"{self._name} failed: {cause}")
        return score_from_verdict(verdict, self._name)

    def _slot(self) -> asyncio.Semaphore:
        """What bounds the candidates at once, one for each event loop: it cannot be shared."""
        loop = asyncio.get_running_loop()
        return self._slots.setdefault(loop, asyncio.Semaphore(self._concurrency))

    def _runner_of(
        self,
        check: Check | str,
        timeout: float | None,
        options: Mapping[str, Any],
        memory_mb: int | None,
    ) -> Runner:
        """What runs the check.

        Raises:
            ConfigError: as the class.
        """
        path = check if isinstance(check, str) else None
        function = load_function(check, self._name) if isinstance(check, str) else check
        _require_callable_with(function, options, self._name)
        if path is not None and not is_async(function):
            if timeout is None:
                raise ConfigError(f"{self._name} runs in worker processes, and needs a timeout")
            memory = None if memory_mb is None else memory_mb * 2**20
            return WorkerPool(Job(path, options, timeout, memory), self._concurrency)
        if memory_mb is not None:
            raise ConfigError(
                f"memory_mb is for worker processes, and {self._name} does not run in one: name a "
                "plain function by its path"
            )
        bound = partial(function, **options)
        if is_async(function):
            return AsyncRunner(bound, timeout)
        return ThreadRunner(bound, timeout, self._concurrency)


def _require_callable_with(function: Check, options: Mapping[str, Any], name: str) -> None:
    """Return if the check can be called with a request, a candidate and these options.

    Raises:
        ConfigError: it cannot.
    """
    try:
        signature = inspect.signature(function)
    except ValueError:  # a builtin without a signature
        return
    taken = signature.parameters
    unknown = [option for option in options if option not in taken]
    if unknown and all(each.kind is not each.VAR_KEYWORD for each in taken.values()):
        raise ConfigError(f"{name} has no option {unknown[0]}{did_you_mean(unknown[0], taken)}")
    try:
        signature.bind(None, None, **options)
    except TypeError as error:
        raise ConfigError(
            f"{name} is called with a request, a candidate"
            f"{''.join(f', {option}' for option in options)}: {error}"
        ) from error
