"""A run that explores: a few samples of each row first, then the rest of a batch's samples where
they promise most (AdaBoN; see `bestofn.dataset.run.allocation`).

What a row gets follows from the first rewards of its batch alone, and batches are made by the rows'
numbers, so a run that was interrupted shares out as one that was not; but for rewards that depend
on what they are compared with, of which only the last are recorded.
"""

from __future__ import annotations

import asyncio
import dataclasses
import functools
from collections.abc import Callable

from bestofn.core.errors import ConfigError
from bestofn.core.pipeline import Pipeline
from bestofn.core.ranking import Ranking
from bestofn.dataset.prompts.rows import Row
from bestofn.dataset.run.allocation import FirstSamples, allocate
from bestofn.dataset.run.options import BATCH
from bestofn.dataset.run.row_runner import FinishedRow, RowRunner
from bestofn.dataset.store.records import Record, record_of
from bestofn.dataset.store.store import Store


class Explorer(RowRunner):
    """Runs rows batch by batch.

    Args:
        pipeline: what ranks; it has a reward model.
        store: what of a batch was finished before an interruption.
        first: samples of each row before anything is shared out.
        timeout: see `RowRunner`; each of a row's two turns may take so long.

    Raises:
        ConfigError: nothing scores, so nothing can be estimated.
    """

    def __init__(
        self, pipeline: Pipeline, store: Store, first: int, timeout: float | None = None
    ) -> None:
        super().__init__(pipeline, timeout)
        if pipeline.reward_model is None:
            raise ConfigError("explore needs a reward model")
        self._store = store
        self._first = first
        self._batches: dict[int, _Batch] = {}

    async def run(self, row: Row) -> FinishedRow:
        """See `RowRunner`; the row waits until its whole batch was explored."""
        batch, request = self._batch(row), row.request
        if request is None or request.temperature == 0:  # more samples would be the same
            batch.report(row.number)
            return await super().run(row)
        first = min(self._first, request.best_of)
        asked = dataclasses.replace(request, best_of=first)
        outcome = await self._rank(row, asked)
        if not isinstance(outcome, Ranking):
            batch.report(row.number)
            return FinishedRow.of(row, outcome)
        rewards = _first_rewards(record_of(row, outcome), first)
        batch.report(row.number, FirstSamples(rewards, first, request.best_of))
        if more := await batch.further_samples(row.number):
            asked = dataclasses.replace(request, best_of=len(outcome.candidates) + more)
            outcome = await self._rank(row, asked, outcome)
        return FinishedRow.of(row, outcome)

    def on_skipped(self, row: Row) -> None:
        """See `RowRunner`."""
        batch, request = self._batch(row), row.request
        if request is None or request.temperature == 0:
            batch.report(row.number)
        else:
            first = min(self._first, request.best_of)
            recall = functools.partial(self._recall, row.number, first, request.best_of)
            batch.report(row.number, recall)

    def on_input_end(self, rows: int) -> None:
        """See `RowRunner`."""
        for batch in self._batches.values():
            batch.end(rows)

    def _recall(self, number: int, first: int, wanted: int) -> FirstSamples:
        return FirstSamples(_first_rewards(self._store.record(number), first), first, wanted)

    def _batch(self, row: Row) -> _Batch:
        """The row's batch; rows come in order, so one that all have reported to is let go."""
        k = row.number // BATCH
        if k not in self._batches:
            self._batches = {n: each for n, each in self._batches.items() if each.missing}
            self._batches[k] = _Batch(range(k * BATCH, (k + 1) * BATCH))
        return self._batches[k]


class _Batch:
    """Rows that share their samples.

    Args:
        numbers: of the rows.

    Attributes:
        missing: the numbers of the rows that have not reported.
    """

    def __init__(self, numbers: range) -> None:
        self.missing = set(numbers)
        self._reports: dict[int, FirstSamples | Callable[[], FirstSamples]] = {}
        self._complete = asyncio.Event()
        self._further: dict[int, int] | None = None

    def report(
        self, number: int, samples: FirstSamples | Callable[[], FirstSamples] | None = None
    ) -> None:
        """Take in what a row's first samples showed, or how to find out if need be.

        Args:
            number: of the row.
            samples: None: it takes no part.
        """
        if samples is not None:
            self._reports[number] = samples
        self.missing.discard(number)
        if not self.missing:
            self._complete.set()

    def end(self, rows: int) -> None:
        """Wait for no rows beyond so many: there are none."""
        for number in [each for each in self.missing if each >= rows]:
            self.report(number)

    async def further_samples(self, number: int) -> int:
        """How many more samples that row gets, once all rows have reported."""
        await self._complete.wait()
        if self._further is None:
            reports = dict(sorted(self._reports.items()))
            rows = [each() if callable(each) else each for each in reports.values()]
            self._further = dict(zip(reports, allocate(rows), strict=True))
        return self._further[number]


def _first_rewards(record: Record, first: int) -> tuple[float, ...]:
    """Of the accepted among a row's first samples.

    The suspected do not count, also where there are no others: samples that came later and were
    accepted change what is recorded of them, and a run that goes on has to share out as before.
    """
    return tuple(
        each["reward"]
        for each in record["candidates"]
        if each["index"] < first and each["accepted"] and each["reward"] is not None
    )
