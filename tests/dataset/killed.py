"""A run over fakes in a process of its own, to be killed."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

from bestofn.dataset.run import Limits, run
from bestofn.dataset.store import Store
from tests.dataset import fakes

ROWS = 400


def work(folder: str) -> None:
    """Do what is left of the run."""
    with contextlib.closing(Store.open(Path(folder), fakes.CONFIG, rows_per_shard=30)) as store:
        asyncio.run(run(fakes.rows(ROWS, [7, 99]), store, fakes.pipeline(), Limits(in_flight=8)))
