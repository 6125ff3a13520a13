"""Batcher: the worker that joins callers; whenever it is free, the next forward takes who waits."""

from __future__ import annotations

import itertools
import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Generic, TypeVar

from bestofn.core.no_winner import RewardError
from bestofn.rewards.local.batch import Batch
from bestofn.rewards.local.shared_prefixes import Ids
from bestofn.rewards.local.token_budget import TokenBudget
from bestofn.support.error_text import first_line

logger = logging.getLogger(__name__)

T = TypeVar("T")
"""What a forward finds in one text."""

Plan = Callable[[Sequence[Ids], int], Sequence[Batch]]
"""Several texts and the tokens of one forward to those that share one."""

OUT_OF_MEMORY = "reward_out_of_memory"
"""`Failure.reason` of a candidate whose text does not fit in memory even alone."""

WINDOW = 256
"""Texts that are planned at once: enough to fill forwards well, few enough to be planned in
milliseconds."""


class _Job(Generic[T]):
    """One caller's texts, what was found in them so far, and the future it waits on."""

    __slots__ = ("found", "future", "left", "texts", "waiting")

    def __init__(self, texts: Sequence[Ids]) -> None:
        self.texts = texts
        self.found: list[T | None] = [None] * len(texts)
        self.left = len(texts)
        self.waiting = dict.fromkeys(range(len(texts)))
        self.future: Future[list[T | None]] = Future()

    def put(self, index: int, found: T | None) -> None:
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


Item = tuple[_Job[T], int]
"""One text: whose, and which of theirs."""


@dataclass(frozen=True, slots=True)
class _Forward(Generic[T]):
    """A batch as it was planned, and whose its texts are."""

    items: Sequence[Item[T]]
    batch: Batch

    def wanted(self) -> _Forward[T]:
        """Without the texts of who has left."""
        wanted = [not job.future.done() for job, _ in self.items]
        return _Forward(list(itertools.compress(self.items, wanted)), self.batch.only(wanted))


class Batcher(Generic[T]):
    """Runs forwards on one thread, the next one for the caller who has waited longest.

    Each forward belongs to the caller in front, who then goes to the back of the queue; who fits in
    besides comes along. So a call of ten texts does not wait for one of ten thousand, and what
    arrives during a forward can join the next.

    A forward that runs out of memory is tried again with half the tokens, after everything that is
    kept has been freed.

    Args:
        forward: a batch to what is found in its texts; called from the worker thread only.
        plan: which texts share a forward; called from the worker thread too.
        budget: of one forward, handed to `plan`.
        begin: called on the worker thread before anything else.
        exhausted: what `forward` raises when memory runs out.
        release: frees what is kept between forwards; whether there was anything.
    """

    def __init__(
        self,
        forward: Callable[[Batch], Sequence[T]],
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
        self._waiting: deque[_Job[T]] = deque()
        self._planned: list[_Forward[T]] = []
        self._stale = True
        self._changed = threading.Condition()
        self._closed: str | None = None  # what callers are told from then on
        self._taken: Sequence[Item[T]] = ()  # by what runs
        self._thread = threading.Thread(target=self._run, name="bestofn-reward", daemon=True)
        self._thread.start()

    def submit(self, texts: Sequence[Ids]) -> Future[list[T | None]]:
        """What is found in these texts, in the order given, once their forwards ran; None for one
        that does not fit in memory even alone.

        Cancelling the future drops those that no forward has taken yet. It ends in `RewardError`
        where a forward failed or the batcher is closed. No sequence may be empty.
        """
        job: _Job[T] = _Job(texts)
        if not texts:
            job.future.set_result([])
            return job.future
        with self._changed:
            if self._closed is not None:
                job.fail(self._closed)
            else:
                self._waiting.append(job)
                self._stale = True
                self._changed.notify()
        return job.future

    def close(self) -> None:
        """Fails what waits, lets the running forward end, ends the thread; safe to call twice."""
        with self._changed:
            self._closed = self._closed or "the reward model is closed"
            self._changed.notify()
        if threading.current_thread() is not self._thread:
            self._thread.join()

    def _run(self) -> None:
        try:
            if self._begin is not None:
                self._begin()
            self._run_forwards()
        except BaseException as error:  # the thread ends, and nobody may wait for it for ever
            with self._changed:
                self._closed = f"the reward model cannot run: {first_line(error)}"
            self._fail(self._taken, error)
            self._window()

    def _run_forwards(self) -> None:
        while window := self._window():
            self._taken = window
            try:
                forward = self._next(window)
                if forward.items:
                    self._taken = forward.items
                    self._work(forward)
            except Exception as error:  # the thread's edge: it is the callers' to see
                self._fail(self._taken, error)
            self._taken = ()

    def _window(self) -> list[Item[T]]:
        """The texts that wait, those of the caller in front first; nothing once closed."""
        with self._changed:
            while True:
                self._changed.wait_for(lambda: self._waiting or self._closed is not None)
                if self._closed is not None:
                    for job in self._waiting:
                        job.fail(f"{self._closed}: it has not scored this")
                    return []
                self._waiting = deque(job for job in self._waiting if not job.future.done())
                texts = ((job, index) for job in self._waiting for index in job.waiting)
                window = list(itertools.islice(texts, WINDOW))
                if self._stale:
                    self._planned, self._stale = [], False
                if window:
                    return window

    def _next(self, window: list[Item[T]]) -> _Forward[T]:
        """The planned forward that has the first text of `window`."""
        found = self._planned_with(window[0])
        if found is None:
            batches = self._plan([job.texts[i] for job, i in window], self._budget.limit)
            self._planned = [_Forward([window[i] for i in b.indices], b) for b in batches]
            found = self._planned_with(window[0])
        assert found is not None, "a plan has every text"
        self._planned.remove(found)
        return found.wanted()

    def _planned_with(self, item: Item[T]) -> _Forward[T] | None:
        return next((forward for forward in self._planned if item in forward.items), None)

    def _work(self, forward: _Forward[T]) -> None:
        items = forward.items
        self._take(items)
        try:
            found = list(self._forward(forward.batch))
            settled = list(zip(items, found, strict=True))
        except self._exhausted:
            settled = None
        if settled is None:  # not in the except block, whose traceback holds what is to be freed
            self._again(items)
            return
        self._budget.succeed()
        self._to_the_back(items)
        for (job, i), each in settled:
            job.put(i, each)

    @staticmethod
    def _fail(items: Sequence[Item[T]], error: BaseException) -> None:
        logger.warning("a forward of %d texts failed: %s", len(items), first_line(error))
        for job, _ in items:
            job.fail(f"the reward model failed: {first_line(error)}", error)

    def _take(self, items: Sequence[Item[T]]) -> None:
        """Out of the queue with the forward's texts."""
        with self._changed:
            for job, index in items:
                del job.waiting[index]
            self._waiting = deque(job for job in self._waiting if job.waiting)

    def _to_the_back(self, items: Sequence[Item[T]]) -> None:
        """Who was served and has more waits behind those who have come meanwhile."""
        with self._changed:
            served = dict.fromkeys(job for job, _ in items)
            rest = [job for job in self._waiting if job not in served]
            self._waiting = deque([*rest, *(job for job in served if job.waiting)])

    def _again(self, items: Sequence[Item[T]]) -> None:
        """After running out of memory: smaller, or, where it cannot be smaller, given up."""
        freed = self._release()
        if len(items) == 1 and not freed:
            (job, index) = items[0]
            job.put(index, None)
            return
        if len(items) > 1:
            self._budget.shrink()
        with self._changed:
            for job, index in items:
                job.waiting[index] = None
            back = dict.fromkeys(job for job, _ in items)
            self._waiting = deque([*back, *(job for job in self._waiting if job not in back)])
            self._stale = True
