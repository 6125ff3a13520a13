"""Owns the worker that joins callers: what waits when it is free shares forwards."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future

from bestofn.errors import RewardError
from bestofn.rewards.wording import first_line

logger = logging.getLogger(__name__)

Forward = Callable[[Sequence[Sequence[int]]], list[float]]
"""Ids of several texts to their rewards."""


Plan = Callable[[Sequence[Sequence[int]], int], list[list[int]]]
"""Several texts and the tokens of one forward to the places of those that share one."""


class _Job:
    """One caller's texts, their rewards as they come, and the future it waits on."""

    __slots__ = ("future", "left", "rewards", "sequences")

    def __init__(self, sequences: Sequence[Sequence[int]]) -> None:
        self.sequences = sequences
        self.rewards = [0.0] * len(sequences)
        self.left = len(sequences)
        self.future: Future[list[float]] = Future()

    def put(self, index: int, reward: float) -> None:
        self.rewards[index] = reward
        self.left -= 1
        if not self.left and self._claim():
            self.future.set_result(self.rewards)

    def fail(self, message: str, cause: BaseException | None = None) -> None:
        if self._claim():
            error = RewardError(message)
            error.__cause__ = cause
            self.future.set_exception(error)

    def _claim(self) -> bool:
        """Whether the future is ours to settle: not settled and not cancelled."""
        return not self.future.done() and self.future.set_running_or_notify_cancel()


class Batcher:
    """Runs forwards on one thread; whenever it is free it takes everything that waits.

    Args:
        forward: ids to rewards; called from the worker thread only.
        plan: which texts share a forward; called from the worker thread too.
        max_tokens: of one forward, handed to `plan`.
        begin: called on the worker thread before anything else.
    """

    def __init__(
        self,
        forward: Forward,
        plan: Plan,
        max_tokens: int,
        *,
        begin: Callable[[], None] | None = None,
    ) -> None:
        self._forward = forward
        self._max_tokens = max_tokens
        self._plan = plan
        self._begin = begin
        self._waiting: list[_Job] = []
        self._changed = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="bestofn-reward", daemon=True)
        self._thread.start()

    def submit(self, sequences: Sequence[Sequence[int]]) -> Future[list[float]]:
        """The rewards of these texts, in the order given, once their forwards ran.

        Cancelling the future drops those that no forward has taken yet. It ends in `RewardError`
        where a forward failed or the batcher is closed. No sequence may be empty.
        """
        job = _Job(sequences)
        if not sequences:
            job.future.set_result([])
            return job.future
        with self._changed:
            if self._closed:
                job.fail("the reward model is closed")
            else:
                self._waiting.append(job)
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
        while jobs := self._take():
            self._work(jobs)

    def _take(self) -> list[_Job]:
        """Everything that waits, as soon as there is something; nothing once closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closed)
            jobs, self._waiting = self._waiting, []
        if self._closed:
            self._refuse(jobs)
            return []
        return jobs

    def _work(self, jobs: list[_Job]) -> None:
        items = [(job, i) for job in jobs for i in range(len(job.sequences))]
        for batch in self._plan([job.sequences[i] for job, i in items], self._max_tokens):
            if self._closed:
                self._refuse(jobs)
                return
            live = [items[k] for k in batch if not items[k][0].future.done()]
            if live:
                self._run_batch(live)

    def _run_batch(self, live: list[tuple[_Job, int]]) -> None:
        try:
            rewards = self._forward([job.sequences[i] for job, i in live])
            settled = list(zip(live, rewards, strict=True))
        except Exception as error:  # the thread's edge: whatever it is, it is the callers' to see
            logger.warning("a forward of %d texts failed: %s", len(live), first_line(error))
            for job, _ in live:
                job.fail(f"the reward model failed: {first_line(error)}", error)
            return
        for (job, i), reward in settled:
            job.put(i, reward)

    @staticmethod
    def _refuse(jobs: list[_Job]) -> None:
        for job in jobs:
            job.fail("the reward model was closed before it scored this")
