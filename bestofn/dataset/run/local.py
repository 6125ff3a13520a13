"""Owns a run on one machine: as many rows at once as keep the engine's batch full."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator
from dataclasses import dataclass

from bestofn.core.errors import BestOfNError, ConfigError
from bestofn.core.pipeline import Pipeline
from bestofn.dataset.prompts.rows import Row
from bestofn.dataset.run.counts import Counts
from bestofn.dataset.run.explorer import LEAST_IN_FLIGHT, Explorer
from bestofn.dataset.run.recorder import Judged, Recorder, Watch
from bestofn.dataset.run.row_runner import Judge
from bestofn.dataset.store.store import Store

READ_AHEAD = 64
"""Rows that are read from the input at once, in a thread: a line may be long and a disk slow."""

WINDOW_SHARDS = 2
"""How far rows may run ahead of the oldest that is not finished, in shards: what bounds memory."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a run takes on.

    Args:
        in_flight: rows that are sampled at once.
        failures_in_a_row: so many rows that fail one after the other stop the run.
    """

    in_flight: int = 64
    failures_in_a_row: int = 20


async def run(
    rows: Iterator[Row],
    store: Store,
    pipeline: Pipeline,
    limits: Limits | None = None,
    *,
    watch: Watch | None = None,
    explore: int | None = None,
) -> Counts:
    """Sample every row that is not finished yet, and put it into the store.

    A row that fails is a record with its error, and the run goes on.

    Args:
        rows: of the input, in order, numbered from 0.
        store: where records go.
        pipeline: what ranks.
        limits: how much is taken on.
        watch: is told how far it is.
        explore: samples of each row before the rest is shared out; see
            `bestofn.dataset.run.explorer`. None: every row gets as many as it asks for.

    Returns:
        What was done in this session.

    Raises:
        DatasetError: the disk does not let it, or too many rows failed one after the other. What
            was finished is kept.
        ConfigError: the input cannot be read (what stands before that is done), or is not that of
            the run in the store; or `explore` does not go with the pipeline or the limits.
    """
    limits = limits or Limits()
    judge = Judge(pipeline)
    if explore is not None:
        judge = Explorer(pipeline, store, explore)
        if limits.in_flight < LEAST_IN_FLIGHT:
            raise ConfigError(
                f"in_flight is {limits.in_flight}: a run that explores needs {LEAST_IN_FLIGHT} rows"
            )
    recorder = Recorder(store, limits.failures_in_a_row, watch)
    session = _Session(store, judge, recorder, limits.in_flight)
    try:
        total = await session.execute(rows)
    except BaseException:
        store.note(recorder.session())
        raise
    store.finish(total, recorder.session())
    return recorder.counts


class _Session:
    """The state of one call of `run`."""

    def __init__(self, store: Store, judge: Judge, recorder: Recorder, in_flight: int) -> None:
        self._store = store
        self._judge = judge
        self._recorder = recorder
        self._window = max(WINDOW_SHARDS * store.manifest.rows_per_shard, in_flight)
        self._places = asyncio.Semaphore(in_flight)
        self._finished: asyncio.Queue[Judged | None] = asyncio.Queue(in_flight)
        self._open: dict[int, None] = {}
        self._moved = asyncio.Event()
        self._fault: BestOfNError | None = None

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
            raise _first(failures) from None
        if self._fault is not None:
            raise self._fault
        return total

    async def _start(self, rows: Iterator[Row], sampling: asyncio.TaskGroup) -> int:
        number = -1
        counts = self._recorder.counts
        while self._fault is None:
            batch = await asyncio.to_thread(self._read, rows)
            if not batch:
                break
            for row in batch:
                number = row.number
                counts.read += 1
                if self._store.has(number):
                    self._store.check(number, row.key, row.source)
                    counts.skipped += 1
                    self._judge.skipped(row)
                    continue
                await self._places.acquire()
                while self._open and number - next(iter(self._open)) >= self._window:
                    self._moved.clear()
                    await self._moved.wait()
                self._open[number] = None
                sampling.create_task(self._sample(row))
        self._judge.ended(number + 1)
        return number + 1

    def _read(self, rows: Iterator[Row]) -> list[Row]:
        """The next rows; where the input breaks, those before it, and `_fault` says how."""
        batch: list[Row] = []
        try:
            batch.extend(itertools.islice(rows, READ_AHEAD))
        except BestOfNError as error:
            self._fault = error
        return batch

    async def _sample(self, row: Row) -> None:
        try:
            # A full queue is the disk's back-pressure: the place is not given back until then.
            await self._finished.put(await self._judge.judged(row))
        finally:
            self._places.release()

    async def _write(self) -> None:
        """Put what is finished on the disk, as much at once as has come meanwhile."""
        ended = False
        while not ended:
            batch = [await self._finished.get()]
            while not self._finished.empty():
                batch.append(self._finished.get_nowait())
            ended = batch[-1] is None
            for number in await self._recorder.take(each for each in batch if each is not None):
                self._open.pop(number, None)
            self._moved.set()
        await self._recorder.end()


def _first(failures: BaseExceptionGroup[BaseException]) -> BaseException:
    """The first that is no group of others."""
    first: BaseException = failures
    while isinstance(first, BaseExceptionGroup):
        first = first.exceptions[0]
    return first
