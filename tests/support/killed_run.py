"""A run over fakes in a process of its own, to be killed."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

from bestofn.dataset.run.local import run
from bestofn.dataset.run.options import LEAST_IN_FLIGHT, RunOptions
from bestofn.dataset.store.store import Store
from tests.support import dataset_fakes as fakes

ROWS = 400


def work(folder: str, explore: int | None = None) -> None:
    """Do what is left of the run."""
    options = RunOptions(8 if explore is None else LEAST_IN_FLIGHT, explore=explore)
    with contextlib.closing(Store.open(Path(folder), fakes.CONFIG, rows_per_shard=30)) as store:
        rows = fakes.rows(ROWS, [7, 99])
        asyncio.run(run(rows, store, fakes.pipeline(), options))
