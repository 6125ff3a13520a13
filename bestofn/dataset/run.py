"""Owns a run: rows in, records on the disk, as many at once as keep the engine's batch full."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from bestofn.dataset.manifest import Session
from bestofn.dataset.records import Record, failed_record, record_of
from bestofn.dataset.rows import Row
from bestofn.dataset.store import Store
from bestofn.errors import (
    BestOfNError,
    DatasetError,
    DeadlineError,
    GeneratorError,
    NothingAcceptableError,
    RequestError,
    RewardError,
)
from bestofn.pipeline import Pipeline, best_of_n
from bestofn.ranking import Ranking

READ_AHEAD = 64
"""Rows that are read from the input at once, in a thread: a line may be long and a disk slow."""

WINDOW_SHARDS = 4
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


@dataclass(slots=True)
class Counts:
    """What a session has done so far, for those who watch.

    Args:
        read: rows of the input.
        skipped: of these, finished before.
        done: finished in this session.
        statuses: of the finished, how many ended how.
        candidates: sampled.
        accepted: of these.
        rejected: how many each reason threw out.
        rewards: their sum and number, of the accepted.
        completion_tokens: sampled.
        reward_tokens: that the reward model computed.
    """

    read: int = 0
    skipped: int = 0
    done: int = 0
    statuses: dict[str, int] = field(default_factory=dict)
    candidates: int = 0
    accepted: int = 0
    rejected: dict[str, int] = field(default_factory=dict)
    reward_sum: float = 0.0
    reward_count: int = 0
    completion_tokens: int = 0
    reward_tokens: int = 0

    def add(self, record: Record, reward_tokens: int) -> None:
        """Count a finished row."""
        self.done += 1
        self.statuses[record["status"]] = self.statuses.get(record["status"], 0) + 1
        self.completion_tokens += record["completion_tokens"]
        self.reward_tokens += reward_tokens
        for each in record["candidates"]:
            self.candidates += 1
            self.accepted += each["accepted"]
            for reason in {rejection["reason"] for rejection in each["rejections"]}:
                self.rejected[reason] = self.rejected.get(reason, 0) + 1
            if each["accepted"] and each["reward"] is not None:
                self.reward_sum += each["reward"]
                self.reward_count += 1


Watch = Callable[[Counts], None]
"""Called after each batch of rows that was put on the disk."""


async def run(
    rows: Iterator[Row],
    store: Store,
    pipeline: Pipeline,
    limits: Limits | None = None,
    *,
    watch: Watch | None = None,
) -> Counts:
    """Sample every row that is not finished yet, and put it into the store.

    A row that fails is a record with its error, and the run goes on. Rows that failed one after
    the other when the run stops for it are not recorded: they are sampled when it goes on.

    Args:
        rows: of the input, in order, numbered from 0.
        store: where records go.
        pipeline: what ranks.
        limits: how much is taken on.
        watch: is told how far it is.

    Returns:
        What was done in this session.

    Raises:
        DatasetError: the disk does not let it, or too many rows failed one after the other. What
            was finished is kept.
        ConfigError: the input cannot be read (what stands before that is done), or is not that of
            the run in the store.
    """
    session = _Session(store, pipeline, limits or Limits(), watch)
    try:
        total = await session.execute(rows)
    except BaseException:
        store.note(session.summary())
        raise
    store.finish(total, session.summary())
    return session.counts


class _Session:
    """The state of one call of `run`."""

    def __init__(
        self, store: Store, pipeline: Pipeline, limits: Limits, watch: Watch | None
    ) -> None:
        self.counts = Counts()
        self._store = store
        self._pipeline = pipeline
        self._limits = limits
        self._watch = watch
        self._began = datetime.now(UTC)
        self._started = time.perf_counter()
        self._places = asyncio.Semaphore(limits.in_flight)
        self._finished: asyncio.Queue[tuple[Record, int] | None] = asyncio.Queue(limits.in_flight)
        self._open: dict[int, None] = {}
        self._moved = asyncio.Event()
        self._streak: list[tuple[Record, int]] = []
        self._fault: BestOfNError | None = None

    def summary(self) -> Session:
        """The session so far."""
        return Session(
            started=self._began.isoformat(timespec="seconds"),
            seconds=round(time.perf_counter() - self._started, 3),
            rows=self.counts.done,
            completion_tokens=self.counts.completion_tokens,
            reward_tokens=self.counts.reward_tokens,
        )

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
        window = WINDOW_SHARDS * self._store.manifest.rows_per_shard
        while self._fault is None:
            batch = await asyncio.to_thread(self._read, rows)
            if not batch:
                break
            for row in batch:
                number = row.number
                self.counts.read += 1
                if self._store.has(number):
                    self._store.check(number, row.key, row.source)
                    self.counts.skipped += 1
                    continue
                await self._places.acquire()
                while self._open and number - next(iter(self._open)) >= window:
                    self._moved.clear()
                    await self._moved.wait()
                self._open[number] = None
                sampling.create_task(self._sample(row))
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
            await self._finished.put(await self._judged(row))
        finally:
            self._places.release()

    async def _judged(self, row: Row) -> tuple[Record, int]:
        if row.request is None:
            return failed_record(row, row.error or "", unreadable=True), 0
        ranking: Ranking | None
        try:
            ranking = await best_of_n(row.request, self._pipeline)
        except NothingAcceptableError as error:
            ranking = error.ranking
            if ranking is None:
                return failed_record(row, str(error)), 0
        except (GeneratorError, RewardError, DeadlineError) as error:
            return failed_record(row, str(error)), 0
        except RequestError as error:
            return failed_record(row, str(error), unreadable=True), 0
        return record_of(row, ranking), ranking.usage.reward_tokens

    async def _write(self) -> None:
        """Put what is finished on the disk, as much at once as has come meanwhile."""
        ended = False
        while not ended:
            batch = [await self._finished.get()]
            while not self._finished.empty():
                batch.append(self._finished.get_nowait())
            ended = batch[-1] is None
            kept: list[tuple[Record, int]] = []
            for each in batch:
                if each is not None and each[0]["status"] == "failed":
                    self._streak.append(each)
                    if len(self._streak) >= self._limits.failures_in_a_row:
                        await self._keep(kept)
                        raise DatasetError(
                            f"{len(self._streak)} rows failed one after the other, the last with: "
                            f"{each[0]['error']}; they are not recorded, what was finished before "
                            "is kept: the same command goes on from there"
                        )
                elif each is not None and each[0]["status"] == "unreadable":
                    kept.append(each)  # says nothing of engine and reward model
                else:
                    kept += self._streak
                    self._streak = []
                    kept += [] if each is None else [each]
            await self._keep(kept)

    async def _keep(self, kept: Iterable[tuple[Record, int]]) -> None:
        kept = list(kept)
        if not kept:
            return
        await asyncio.to_thread(self._store.add, [record for record, _ in kept])
        for record, reward_tokens in kept:
            self._open.pop(record["row"], None)
            self.counts.add(record, reward_tokens)
        self._moved.set()
        if self._watch is not None:
            self._watch(self.counts)


def _first(failures: BaseExceptionGroup[BaseException]) -> BaseException:
    """The first that is no group of others."""
    first: BaseException = failures
    while isinstance(first, BaseExceptionGroup):
        first = first.exceptions[0]
    return first
