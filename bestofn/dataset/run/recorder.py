"""Recorder of a run: finished rows to the disk, whoever sampled them; when a run has to stop."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime

from bestofn.core.errors import DatasetError
from bestofn.dataset.run.counts import Counts
from bestofn.dataset.run.row_runner import FinishedRow
from bestofn.dataset.store.manifest import Session
from bestofn.dataset.store.store import Store

Watch = Callable[[Counts], None]
"""Called after each batch of rows that was put on the disk."""


class Recorder:
    """Puts finished rows into the store, in a thread, and counts them.

    Rows that fail one after the other are held back: if the run stops for them they are not
    recorded, and are sampled when it goes on. So are those that the engine refuses as requests;
    since it refuses at once and samples for a while, they count as one after the other only where
    no row between them is still being sampled.

    Args:
        store: where they go.
        failures_in_a_row: so many that fail one after the other stop the run.
        watch: is told how far it is.
    """

    def __init__(self, store: Store, failures_in_a_row: int, watch: Watch | None = None) -> None:
        self.counts = Counts()
        self._store = store
        self._failures_in_a_row = failures_in_a_row
        self._watch = watch
        self._held: list[FinishedRow] = []
        self._began = datetime.now(UTC)
        self._started = time.perf_counter()

    async def record(self, batch: Iterable[FinishedRow]) -> None:
        """Record rows, in the order in which they ended.

        Raises:
            DatasetError: the disk does not let it, or too many rows failed one after the other.
        """
        kept: list[FinishedRow] = []
        for each in batch:
            if each.record["status"] in ("failed", "unreadable"):
                self._held.append(each)
                if self._too_many():
                    await self._write(kept)
                    raise DatasetError(
                        f"{len(self._held)} rows failed one after the other, the last with: "
                        f"{each.record['error']}; they are not recorded, what was finished before "
                        "is kept: the same command goes on from there"
                    )
            else:
                kept += [*self._held, each]
                self._held = []
        await self._write(kept)

    async def end(self) -> None:
        """Record what was held back: no more rows come."""
        held, self._held = self._held, []
        await self._write(held)

    def session(self) -> Session:
        """The session so far."""
        return Session(
            started=self._began.isoformat(timespec="seconds"),
            seconds=round(time.perf_counter() - self._started, 3),
            rows=self.counts.done,
            completion_tokens=self.counts.completion_tokens,
            reward_tokens=self.counts.reward_tokens,
        )

    def _too_many(self) -> bool:
        if len(self._held) < self._failures_in_a_row:
            return False
        failed = sum(each.record["status"] == "failed" for each in self._held)
        if failed >= self._failures_in_a_row:
            return True
        numbers = {each.record["row"] for each in self._held}
        between = range(min(numbers), max(numbers))
        return all(number in numbers or self._store.has(number) for number in between)

    async def _write(self, kept: Sequence[FinishedRow]) -> None:
        if not kept:
            return
        await asyncio.to_thread(self._store.add, [each.record for each in kept])
        for each in kept:
            self.counts.add(each.record, each.reward_tokens)
        if self._watch is not None:
            self._watch(self.counts)
