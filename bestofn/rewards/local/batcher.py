"""Owns the worker that joins callers: whenever it is free, the next forward takes who waits."""

from __future__ import annotations

import itertools
import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Generic, TypeVar

from bestofn.core.no_winner import RewardError
from bestofn.rewards.local.token_budget import TokenBudget
from bestofn.support.error_text import first_line

logger = logging.getLogger(__name__)

Found = TypeVar("Found")
"""What a forward finds in one text."""

Plan = Callable[[Sequence[Sequence[int]], int], list[list[int]]]
"""Several texts and the tokens of one forward to the places of those that share one."""

WINDOW = 256
"""Texts that are planned at once: enough to fill forwards well, few enough to be planned in
milliseconds."""


class _Job(Generic[Found]):
    """One caller's texts, what was found in them so far, and the future it waits on."""

    __slots__ = ("found", "future", "left", "sequences", "waiting")

    def __init__(self, sequences: Sequence[Sequence[int]]) -> None:
        self.sequences = sequences
        self.found: list[Found | None] = [None] * len(sequences)
        self.left = len(sequences)
        self.waiting = dict.fromkeys(range(len(sequences)))
        self.future: Future[list[Found | None]] = Future()

    def put(self, index: int, found: Found | None) -> None:
        self.found[index] = found
        self.left -= 1
        if not self.left and self._claim():
            self.future.set_result(self.found)

    def fail(self, message: str, cause: BaseException | None = None) -> None:
        if self._claim():
            error = RewardError(message)
            error.__cause__ = cause
            self.future.set_exception(error)

    def _claim(self) -> bool:
        """Whether the future is ours to settle: not settled and not cancelled."""
        return not self.future.done() and self.future.set_running_or_notify_cancel()


Item = tuple[_Job[Found], int]


class Batcher(Generic[Found]):
    """Runs forwards on one thread, the next one for the caller who has waited longest.

    Each forward belongs to the caller in front, who then goes to the back of the queue; who fits in
    besides comes along. So a call of ten texts does not wait for one of ten thousand, and what
    arrives during a forward can join the next.

    A forward that runs out of memory is tried again with half the tokens, after everything that is
    kept has been freed.

    Args:
        forward: ids to what is found in them; called from the worker thread only.
        plan: which texts share a forward; called from the worker thread too.
        budget: of one forward, handed to `plan`.
        begin: called on the worker thread before anything else.
        exhausted: what `forward` raises when memory runs out.
        release: frees what is kept between forwards; whether there was anything.
    """

    def __init__(
        self,
        forward: Callable[[Sequence[Sequence[int]]], Sequence[Found]],
        plan: Plan,
        budget: TokenBudget,
        *,
        begin: Callable[[], None] | None = None,
        exhausted: type[BaseException] = MemoryError,
        release: Callable[[], bool] = lambda: False,
    ) -> None:
        self._forward = forward
        self._plan = plan
        self._budget = budget
        self._begin = begin
        self._exhausted = exhausted
        self._release = release
        self._waiting: deque[_Job[Found]] = deque()
        self._planned: list[list[Item[Found]]] = []
        self._stale = True
        self._changed = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="bestofn-reward", daemon=True)
        self._thread.start()

    def submit(self, sequences: Sequence[Sequence[int]]) -> Future[list[Found | None]]:
        """What is found in these texts, in the order given, once their forwards ran; None for one
        that does not fit in memory even alone.

        Cancelling the future drops those that no forward has taken yet. It ends in `RewardError`
        where a forward failed or the batcher is closed. No sequence may be empty.
        """
        job: _Job[Found] = _Job(sequences)
        if not sequences:
            job.future.set_result([])
            return job.future
        with self._changed:
            if self._closed:
                job.fail("the reward model is closed")
            else:
                self._waiting.append(job)
                self._stale = True
                self._changed.notify()
        return job.future

    def close(self) -> None:
        """Fails what waits, lets the running forward end, ends the thread; safe to call twice."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        if threading.current_thread() is not self._thread:
            self._thread.join()

    def _run(self) -> None:
        if self._begin is not None:
            self._begin()
        while window := self._window():
            row = self._next_row(window)
            if row:
                self._work(row)

    def _window(self) -> list[Item[Found]]:
        """The texts that wait, those of the caller in front first; nothing once closed."""
        with self._changed:
            while True:
                self._changed.wait_for(lambda: self._waiting or self._closed)
                if self._closed:
                    for job in self._waiting:
                        job.fail("the reward model was closed before it scored this")
                    return []
                self._waiting = deque(job for job in self._waiting if not job.future.done())
                texts = ((job, index) for job in self._waiting for index in job.waiting)
                window = list(itertools.islice(texts, WINDOW))
                if self._stale:
                    self._planned, self._stale = [], False
                if window:
                    return window

    def _next_row(self, window: list[Item[Found]]) -> list[Item[Found]]:
        """The planned row that has the first text of `window`, without those of who has left."""
        row = next((row for row in self._planned if window[0] in row), None)
        if row is None:
            planned = self._plan([job.sequences[i] for job, i in window], self._budget.limit)
            self._planned = [[window[k] for k in places] for places in planned]
            row = next(row for row in self._planned if window[0] in row)
        self._planned.remove(row)
        return [(job, index) for job, index in row if not job.future.done()]

    def _work(self, row: list[Item[Found]]) -> None:
        self._take(row)
        try:
            found = list(self._forward([job.sequences[i] for job, i in row]))
            settled = list(zip(row, found, strict=True))
        except self._exhausted:
            settled = None
        except Exception as error:  # the thread's edge: whatever it is, it is the callers' to see
            logger.warning("a forward of %d texts failed: %s", len(row), first_line(error))
            for job, _ in row:
                job.fail(f"the reward model failed: {first_line(error)}", error)
            return
        if settled is None:  # not in the except block, whose traceback holds what is to be freed
            self._again(row)
            return
        self._budget.succeed()
        self._to_the_back(row)
        for (job, i), each in settled:
            job.put(i, each)

    def _take(self, row: list[Item[Found]]) -> None:
        """Out of the queue with the row's texts."""
        with self._changed:
            for job, index in row:
                del job.waiting[index]
            self._waiting = deque(job for job in self._waiting if job.waiting)

    def _to_the_back(self, row: list[Item[Found]]) -> None:
        """Who was served and has more waits behind those who have come meanwhile."""
        with self._changed:
            served = dict.fromkeys(job for job, _ in row)
            rest = [job for job in self._waiting if job not in served]
            self._waiting = deque([*rest, *(job for job in served if job.waiting)])

    def _again(self, row: list[Item[Found]]) -> None:
        """After running out of memory: smaller, or, where it cannot be smaller, given up."""
        freed = self._release()
        if len(row) == 1 and not freed:
            (job, index) = row[0]
            job.put(index, None)
            return
        if len(row) > 1:
            self._budget.shrink()
        with self._changed:
            for job, index in row:
                job.waiting[index] = None
            back = dict.fromkeys(job for job, _ in row)
            self._waiting = deque([*back, *(job for job in self._waiting if job not in back)])
            self._stale = True
