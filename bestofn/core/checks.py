"""Checks: the finished candidates of one request on their way through the filters.

A short one is judged at once. A long one is judged beside the event loop, and counts as running
until then: the controller must not take it for lost.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from bestofn.core.controller import Running
from bestofn.core.filtering import Filtering
from bestofn.core.ledger import Ledger
from bestofn.core.ranking import ScoredCandidate
from bestofn.core.types import Candidate, Request


class Checks:
    """The checks of one request.

    Args:
        request: whose candidates they are.
        filtering: the filters.
        ledger: told of those that a rule stops before they are judged, and of what no filter could
            judge.
        on_judged: told of each candidate, with its rejections.
        on_error: told of what `on_judged` raises.

    Attributes:
        running: candidates that are being judged, by index.
    """

    def __init__(
        self,
        request: Request,
        filtering: Filtering,
        ledger: Ledger,
        on_judged: Callable[[ScoredCandidate], None],
        on_error: Callable[[BaseException], None],
    ) -> None:
        self._request = request
        self._filtering = filtering
        self._ledger = ledger
        self._on_judged = on_judged
        self._on_error = on_error
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self.running: dict[int, Running] = {}

    def add(self, candidate: Candidate) -> None:
        """Judge a candidate: now, or soon."""
        if not self._filtering.takes_long(self._request, candidate):
            self._judged(self._filtering.judge(self._request, candidate))
            return
        index = candidate.index
        self.running[index] = Running(index, candidate, candidate.counted_tokens or 0)
        self._tasks[index] = asyncio.create_task(self._judge(candidate))

    def abort(self, index: int, rule: str) -> None:
        """Leave a candidate that is being judged: the rule has stopped it."""
        running = self.running.pop(index, None)
        if running is not None and running.latest is not None:
            self._tasks[index].cancel()
            self._ledger.stopped(running.latest, rule, "not checked")

    async def aclose(self) -> None:
        """Leave what is not judged yet; a process that is at it ends within its own limit."""
        self.running.clear()
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    def _judged(self, record: ScoredCandidate) -> None:
        if self._filtering.abstaining:
            self._ledger.note(*self._filtering.abstentions(self._request, record.candidate))
        self._on_judged(record)

    async def _judge(self, candidate: Candidate) -> None:
        try:
            record = await self._filtering.judge_beside(self._request, candidate)
            if self.running.pop(candidate.index, None) is not None:
                self._judged(record)
        except Exception as error:  # an observer's: the request fails by it
            self._on_error(error)
