"""Filtering: a candidate through every filter, to its rejections or the failure of a filter.

short ─► `Filtering.judge`: at once, on the event loop
long, or one that a filter has to wait for ─► `Filtering.judge_beside`: long texts in a process
    (`check_process`), filters that wait in a thread, filters of one's own on the loop as always
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Self

from bestofn.core import check_process
from bestofn.core.abstaining import Abstaining
from bestofn.core.mid_decode import Foreseeing
from bestofn.core.outcome import Outcome, filter_error, outcome_of
from bestofn.core.protocols import Filter, Mending, Portable, Refusing, Waiting
from bestofn.core.ranking import ScoredCandidate
from bestofn.core.types import GENERATION_ERROR, Candidate, Failure, Rejection, Request

logger = logging.getLogger(__name__)

LONG = 4_000
"""Characters of an answer, its tool calls included, from which it is judged beside the event loop.
The slowest filter takes about 3 ms for each thousand characters that are made to be slow
(`python -m benchmarks.filter_times`)."""

_LONG_CHECKS = ThreadPoolExecutor(check_process.PROCESSES, thread_name_prefix="bestofn-check")
_WAITS = ThreadPoolExecutor(4, thread_name_prefix="bestofn-wait")
"""Threads that only wait for other processes; two sets, so that neither stands behind the other."""


@dataclass(frozen=True, slots=True)
class Filtering:
    """The filters of a pipeline, and what they offer besides.

    Args:
        filters: every candidate passes all of them, in this order.
        menders: those that take off what is no part of an answer.
        portable: for each filter, whether it judges long texts in another process.
        waiting: for each filter, what asks it whether it would have to wait; None: never.
        foreseeing: those that can tell from a snapshot what will become of a candidate.
        abstaining: those that may lack a fact that they judge by.
        refusing: those that cannot judge by every request.
    """

    filters: Sequence[Filter] = ()
    menders: Sequence[Mending] = ()
    portable: Sequence[bool] = ()
    waiting: Sequence[Waiting | None] = ()
    foreseeing: Sequence[Filter] = ()
    abstaining: Sequence[Abstaining] = ()
    refusing: Sequence[Refusing] = ()

    @classmethod
    def of(cls, filters: Sequence[Filter]) -> Self:
        """These filters, each asked once for what it offers."""
        return cls(
            filters,
            [each for each in filters if isinstance(each, Mending)],
            [isinstance(each, Portable) and each.portable for each in filters],
            [each if isinstance(each, Waiting) else None for each in filters],
            [each for each in filters if isinstance(each, Foreseeing) and each.foresees],
            [each for each in filters if isinstance(each, Abstaining)],
            [each for each in filters if isinstance(each, Refusing)],
        )

    async def refusal(self, request: Request) -> str | None:
        """Why a filter cannot judge by this request, as a sentence; None: all can."""
        for each in self.refusing:
            if why := await each.refusal(request):
                return why
        return None

    def takes_long(self, request: Request, candidate: Candidate) -> bool:
        """Whether the candidate is to be judged beside the event loop."""
        if candidate.error is not None:
            return False
        if self.is_long(candidate):
            return True
        return any(_waits(each, request, candidate) for each in self.waiting if each is not None)

    def judge(self, request: Request, candidate: Candidate) -> ScoredCandidate:
        """The candidate with the rejections of all filters, in their order.

        A filter that raises fails the candidate with reason ``filter_error``; the others still
        judge it. What a filter can take off is taken off first. A candidate that the engine failed
        on (`Candidate.error`) is not shown to filters.
        """
        if candidate.error is not None:
            return ScoredCandidate(candidate, failure=Failure(GENERATION_ERROR, candidate.error))
        candidate, failure = self._mended(candidate)
        outcomes = [outcome_of(each, request, candidate) for each in self.filters]
        return _record(candidate, failure, outcomes)

    async def judge_beside(self, request: Request, candidate: Candidate) -> ScoredCandidate:
        """The same, without holding up the event loop.

        What could not be checked in `check_process.CHECK_SECONDS` is a suspicion, ``unchecked``.
        """
        loop = asyncio.get_running_loop()
        candidate, failure = self._mended(candidate)
        outcomes: dict[int, Outcome] = {}
        long = self.is_long(candidate)
        if long:
            sent = [at for at, portable in enumerate(self.portable) if portable]
            filters = [self.filters[at] for at in sent]
            with contextlib.suppress(check_process.UnsendableError):  # then threads have to do
                found = await loop.run_in_executor(
                    _LONG_CHECKS, check_process.outcomes, filters, request, candidate
                )
                outcomes = dict(zip(sent, found, strict=True))
        for at, each in enumerate(self.filters):
            waiting = self.waiting[at]
            if at in outcomes:
                continue
            waits = waiting is not None and _waits(waiting, request, candidate)
            if waits or (long and self.portable[at]):
                outcomes[at] = await loop.run_in_executor(
                    _WAITS, outcome_of, each, request, candidate
                )
            else:
                outcomes[at] = outcome_of(each, request, candidate)
        return _record(candidate, failure, [outcomes[at] for at in range(len(self.filters))])

    def is_long(self, candidate: Candidate) -> bool:
        """Whether there is so much to read that it is read beside the event loop."""
        size = len(candidate.text)
        calls = candidate.message.get("tool_calls") or candidate.message.get("function_call")
        return size >= LONG or (bool(calls) and size + len(str(calls)) >= LONG)

    def foreseen(self, request: Request, snapshot: Candidate) -> Rejection | None:
        """The certain rejection that the finished candidate will have; None: none is known.

        A filter that raises says nothing: the finished candidate is shown to it again.
        """
        snapshot, _ = self._mended(snapshot)
        return _certain(outcome_of(each, request, snapshot) for each in self.foreseeing)

    async def foreseen_beside(self, request: Request, snapshot: Candidate) -> Rejection | None:
        """The same, without holding up the event loop."""
        snapshot, _ = self._mended(snapshot)
        loop, filters = asyncio.get_running_loop(), self.foreseeing
        try:
            return _certain(
                await loop.run_in_executor(
                    _LONG_CHECKS, check_process.outcomes, filters, request, snapshot
                )
            )
        except check_process.UnsendableError:  # the finished candidate is judged in a thread
            return None

    def abstentions(self, request: Request, candidate: Candidate) -> Sequence[str]:
        """What of a finished candidate was not judged, in sentences; each is logged once."""
        if not self.abstaining or candidate.error is not None:
            return ()
        asked = (each.abstains(request, candidate) for each in self.abstaining)
        sentences = [each for each in asked if each is not None]
        for each in sentences:
            _warn_once(each)
        return sentences

    def _mended(self, candidate: Candidate) -> tuple[Candidate, Failure | None]:
        """(the candidate without what is no part of its answer, the failure of a filter)."""
        failure: Failure | None = None
        for mender in self.menders:
            try:
                candidate = mender.mend(candidate)
            except (Exception, asyncio.CancelledError) as error:
                failure = filter_error(type(mender).__name__, error)
        return candidate, failure


def _record(
    candidate: Candidate, failure: Failure | None, outcomes: Sequence[Outcome]
) -> ScoredCandidate:
    if not any(outcomes):
        return ScoredCandidate(candidate, (), failure)
    rejections = tuple(each for each in outcomes if isinstance(each, Rejection))
    for each in outcomes:
        failure = each if isinstance(each, Failure) else failure
    return ScoredCandidate(candidate, rejections, failure)


@functools.lru_cache(maxsize=256)
def _warn_once(sentence: str) -> None:
    logger.warning("%s", sentence)


def _certain(outcomes: Iterable[Outcome]) -> Rejection | None:
    """The first rejection that leaves no doubt."""
    return next((e for e in outcomes if isinstance(e, Rejection) and e.certain), None)


def _waits(judge: Waiting, request: Request, candidate: Candidate) -> bool:
    try:
        return judge.waits(request, candidate)
    except (Exception, asyncio.CancelledError):  # its check says what is wrong
        return False
