"""Owns a run that explores: a few samples of each row first, then the rest of a batch's samples
where they promise most.

What a row gets follows from the first rewards of its batch alone, and batches are made by the rows'
numbers, so a run that was interrupted shares out as one that was not; but for rewards that depend
on what they are compared with, of which only the last are recorded.
"""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable

from bestofn.control.expected_gain import Explored, allocated
from bestofn.core.errors import ConfigError
from bestofn.core.pipeline import Pipeline
from bestofn.core.ranking import Ranking
from bestofn.dataset.prompts.rows import Row
from bestofn.dataset.run.recorder import Judged
from bestofn.dataset.run.row_runner import Judge, outcome, recorded
from bestofn.dataset.store.records import Record, record_of
from bestofn.dataset.store.store import Store

BATCH = 16
"""Rows that share their samples."""

LEAST_IN_FLIGHT = 2 * BATCH
"""Rows: while those of one batch wait for its slowest, others are sampled."""


class Explorer(Judge):
    """Judges rows batch by batch.

    Args:
        pipeline: what ranks; it has a reward model.
        store: what of a batch was finished before an interruption.
        first: samples of each row before anything is shared out.

    Raises:
        ConfigError: nothing can be estimated: `first` is below 2, or nothing scores.
    """

    def __init__(self, pipeline: Pipeline, store: Store, first: int) -> None:
        super().__init__(pipeline)
        if first < 2:
            raise ConfigError(f"explore is {first}: at least 2 samples say how rewards spread")
        if pipeline.reward_model is None:
            raise ConfigError("explore needs a reward model")
        self._store = store
        self._first = first
        self._batches: dict[int, _Batch] = {}

    async def judged(self, row: Row) -> Judged:
        """See `Judge`; the row waits until its whole batch was explored."""
        batch, request = self._batch(row), row.request
        if request is None or request.temperature == 0:  # more samples would be the same
            batch.tell(row.number)
            return await super().judged(row)
        first = min(self._first, request.best_of)
        asked = dataclasses.replace(request, best_of=first)
        found = await outcome(row, asked, self._pipeline)
        if not isinstance(found, Ranking):
            batch.tell(row.number)
            return recorded(row, found)
        rewards = _first_rewards(record_of(row, found), first)
        batch.tell(row.number, Explored(rewards, first, request.best_of))
        if more := await batch.share(row.number):
            asked = dataclasses.replace(request, best_of=len(found.candidates) + more)
            found = await outcome(row, asked, self._pipeline, found)
        return recorded(row, found)

    def skipped(self, row: Row) -> None:
        """See `Judge`."""
        batch, request = self._batch(row), row.request
        if request is None or request.temperature == 0:
            batch.tell(row.number)
        else:
            first = min(self._first, request.best_of)
            batch.tell(row.number, lambda: self._recalled(row.number, first, request.best_of))

    def ended(self, rows: int) -> None:
        """See `Judge`."""
        for batch in self._batches.values():
            batch.end(rows)

    def _recalled(self, number: int, first: int, wanted: int) -> Explored:
        return Explored(_first_rewards(self._store.record(number), first), first, wanted)

    def _batch(self, row: Row) -> _Batch:
        """The row's batch; rows come in order, so one that all have been heard of is let go."""
        k = row.number // BATCH
        if k not in self._batches:
            self._batches = {n: each for n, each in self._batches.items() if each.waiting}
            self._batches[k] = _Batch(range(k * BATCH, (k + 1) * BATCH))
        return self._batches[k]


class _Batch:
    """Rows that share their samples.

    Args:
        numbers: of the rows.

    Attributes:
        waiting: the numbers of the rows that were not heard of.
    """

    def __init__(self, numbers: range) -> None:
        self.waiting = set(numbers)
        self._known: dict[int, Explored | Callable[[], Explored]] = {}
        self._heard = asyncio.Event()
        self._shares: dict[int, int] | None = None

    def tell(self, number: int, known: Explored | Callable[[], Explored] | None = None) -> None:
        """What is known of a row, or how to find out if need be; None: it takes no part."""
        if known is not None:
            self._known[number] = known
        self.waiting.discard(number)
        if not self.waiting:
            self._heard.set()

    def end(self, rows: int) -> None:
        """There are no more than so many rows."""
        for number in [each for each in self.waiting if each >= rows]:
            self.tell(number)

    async def share(self, number: int) -> int:
        """How many more samples that row gets, once all rows were heard of."""
        await self._heard.wait()
        if self._shares is None:
            known = dict(sorted(self._known.items()))
            rows = [each() if callable(each) else each for each in known.values()]
            self._shares = dict(zip(known, allocated(rows), strict=True))
        return self._shares[number]


def _first_rewards(record: Record, first: int) -> tuple[float, ...]:
    """Of the accepted among a row's first samples."""
    return tuple(
        each["reward"]
        for each in record["candidates"]
        if each["index"] < first and each["accepted"] and each["reward"] is not None
    )
