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
    recorded, and are sampled when it goes on.

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
        self._failing: list[FinishedRow] = []
        self._began = datetime.now(UTC)
        self._started = time.perf_counter()

    async def record(self, batch: Iterable[FinishedRow]) -> list[int]:
        """Record rows, in the order in which they ended; the numbers of those on the disk.

        Raises:
            DatasetError: the disk does not let it, or too many rows failed one after the other.
        """
        kept: list[FinishedRow] = []
        for each in batch:
            status = each.record["status"]
            if status == "failed":
                self._failing.append(each)
                if len(self._failing) >= self._failures_in_a_row:
                    await self._write(kept)
                    raise DatasetError(
                        f"{len(self._failing)} rows failed one after the other, the last with: "
                        f"{each.record['error']}; they are not recorded, what was finished before "
                        "is kept: the same command goes on from there"
                    )
            else:
                if status != "unreadable":  # that says nothing of engine and reward model
                    kept += self._failing
                    self._failing = []
                kept.append(each)
        await self._write(kept)
        return [each.record["row"] for each in kept]

    async def end(self) -> None:
        """Record what was held back: no more rows come."""
        held, self._failing = self._failing, []
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

    async def _write(self, kept: Sequence[FinishedRow]) -> None:
        if not kept:
            return
        await asyncio.to_thread(self._store.add, [each.record for each in kept])
        for each in kept:
            self.counts.add(each.record, each.reward_tokens)
        if self._watch is not None:
            self._watch(self.counts)
