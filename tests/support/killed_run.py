"""A run over fakes in a process of its own, to be killed."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

from bestofn.dataset.run.explorer import LEAST_IN_FLIGHT
from bestofn.dataset.run.local import Limits, run
from bestofn.dataset.store.store import Store
from tests.support import dataset_fakes as fakes

ROWS = 400


def work(folder: str, explore: int | None = None) -> None:
    """Do what is left of the run."""
    limits = Limits(in_flight=8 if explore is None else LEAST_IN_FLIGHT)
    with contextlib.closing(Store.open(Path(folder), fakes.CONFIG, rows_per_shard=30)) as store:
        rows = fakes.rows(ROWS, [7, 99])
        asyncio.run(run(rows, store, fakes.pipeline(), limits, explore=explore))
