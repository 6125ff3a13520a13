"""A dataset run on one machine: as many rows in flight as keep the engine's batch full."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator

from bestofn.core.errors import BestOfNError
from bestofn.core.pipeline import Pipeline
from bestofn.dataset.prompts.rows import Row
from bestofn.dataset.run.counts import Counts
from bestofn.dataset.run.options import RunOptions
from bestofn.dataset.run.reading import counted
from bestofn.dataset.run.recorder import Recorder, Watch
from bestofn.dataset.run.relearning import relearn
from bestofn.dataset.run.row_runner import FinishedRow, RowRunner
from bestofn.dataset.store.store import Store

READ_AHEAD = 64
"""Rows that are read from the input at once, in a thread: a line may be long and a disk slow."""

WINDOW_SHARDS = 2
"""How far rows may run ahead of the oldest that is not finished, in shards: what bounds memory."""


async def run(
    rows: Iterator[Row],
    store: Store,
    pipeline: Pipeline,
    options: RunOptions | None = None,
    *,
    watch: Watch | None = None,
) -> Counts:
    """Sample every row that is not finished yet, and put it into the store.

    A row that fails is a record with its error, and the run goes on.

    Args:
        rows: of the input, in order, numbered from 0.
        store: where records go.
        pipeline: what ranks.
        options: how it is worked on.
        watch: is told how far it is.

    Returns:
        What was done in this session.

    Raises:
        DatasetError: the disk does not let it, or too many rows failed or could not be read one
            after the other. What was finished is kept. UnreadableError: no row could be read.
        ConfigError: the input cannot be read (what stands before that is done), or is not that of
            the run in the store.
    """
    options = options or RunOptions()
    relearn(pipeline, store.records())
    runner = RowRunner(pipeline, options.row_timeout)
    recorder = Recorder(store, options.failures_in_a_row, watch)
    local_run = _LocalRun(store, runner, recorder, options.in_flight)
    try:
        read = counted(rows, recorder.counts, options.failures_in_a_row)
        total = await local_run.execute(read)
    except BaseException:
        store.add_session(recorder.session())
        raise
    store.finish(total, recorder.session())
    return recorder.counts


class _LocalRun:
    """The state of one call of `run`: rows are read, run and written by tasks of their own."""

    def __init__(self, store: Store, runner: RowRunner, recorder: Recorder, in_flight: int) -> None:
        self._store = store
        self._runner = runner
        self._recorder = recorder
        self._window = max(WINDOW_SHARDS * store.manifest.rows_per_shard, in_flight)
        self._slots = asyncio.Semaphore(in_flight)
        self._finished: asyncio.Queue[FinishedRow | None] = asyncio.Queue(in_flight)
        self._in_flight: dict[int, None] = {}
        self._window_moved = asyncio.Event()
        self._input_error: BestOfNError | None = None

    async def execute(self, rows: Iterator[Row]) -> int:
        """Do all rows; how many there are."""
        try:
            async with asyncio.TaskGroup() as group:
                writer = group.create_task(self._write())
                async with asyncio.TaskGroup() as sampling:
                    total = await self._start(rows, sampling)
                await self._finished.put(None)
                await writer
        except* Exception as failures:
            raise _first_cause(failures) from None
        if self._input_error is not None:
            raise self._input_error
        return total

    async def _start(self, rows: Iterator[Row], sampling: asyncio.TaskGroup) -> int:
        number = -1
        counts = self._recorder.counts
        while self._input_error is None:
            batch = await asyncio.to_thread(self._read, rows)
            if not batch:
                break
            for row in batch:
                number = row.number
                if self._store.has(number):
                    self._store.check_key(number, row.key, row.source)
                    counts.skipped += 1
                    continue
                await self._slots.acquire()
                while self._in_flight and number - next(iter(self._in_flight)) >= self._window:
                    self._window_moved.clear()
                    await self._window_moved.wait()
                self._in_flight[number] = None
                sampling.create_task(self._run_row(row))
        return number + 1

    def _read(self, rows: Iterator[Row]) -> list[Row]:
        """The next rows; where the input breaks, those before it, and `_input_error` says how."""
        batch: list[Row] = []
        try:
            batch.extend(itertools.islice(rows, READ_AHEAD))
        except BestOfNError as error:
            self._input_error = error
        return batch

    async def _run_row(self, row: Row) -> None:
        try:
            # A full queue is the disk's back-pressure: the slot is not given back until then.
            await self._finished.put(await self._runner.run(row))
        finally:
            self._slots.release()

    async def _write(self) -> None:
        """Put what is finished on the disk, as much at once as has come meanwhile."""
        ended = False
        while not ended:
            batch = [await self._finished.get()]
            while not self._finished.empty():
                batch.append(self._finished.get_nowait())
            ended = batch[-1] is None
            done = [each for each in batch if each is not None]
            await self._recorder.record(done)
            for each in done:  # recorded or held back: nothing waits for a row that has ended
                self._in_flight.pop(each.record["row"], None)
            self._window_moved.set()
        await self._recorder.end()


def _first_cause(failures: BaseExceptionGroup[BaseException]) -> BaseException:
    """The first that is no group of others."""
    first: BaseException = failures
    while isinstance(first, BaseExceptionGroup):
        first = first.exceptions[0]
    return first
