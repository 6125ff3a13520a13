"""A run over fakes in a process of its own, to be killed."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import shutil
import sys
from pathlib import Path

from bestofn.dataset.run.local import run
from bestofn.dataset.run.options import RunOptions
from bestofn.dataset.store.store import Store
from tests.support import dataset_fakes as fakes
from tests.support.killing import kill_before

ROWS, ROWS_PER_SHARD = 400, 30
FEW = 5
"""Rows of a run that is killed at every step."""


def work(folder: str) -> None:
    """Do what is left of the run."""
    options = RunOptions(8)
    with contextlib.closing(
        Store.open(Path(folder), fakes.CONFIG, rows_per_shard=ROWS_PER_SHARD)
    ) as store:
        rows = fakes.rows(ROWS, [7, 99])
        asyncio.run(run(rows, store, fakes.pipeline(), options))


def work_few(folder: Path, rows: int = FEW) -> None:
    """Do what is left of a run of a few rows, one after the other, two to a shard."""
    with contextlib.closing(Store.open(folder, fakes.CONFIG, rows_per_shard=2)) as store:
        asyncio.run(run(fakes.rows(rows, [2]), store, fakes.pipeline(), RunOptions(in_flight=1)))


def kill_at_every_step(parent: Path, begun: Path | None) -> None:
    """Leave in `parent` what a kill leaves before each step of such a run, in a folder by the
    step's number; in the last, where no step was left to be killed before, the run is done.

    Args:
        parent: of the folders.
        begun: a run that goes on; None: it begins.
    """
    for step in itertools.count(1):
        folder = parent / str(step)
        if begun is not None:
            shutil.copytree(begun, folder)
        child = os.fork()
        if not child:
            kill_before(step, folder)
            work_few(folder)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if not os.WIFSIGNALED(status):
            sys.exit(status)


if __name__ == "__main__":  # in a process without threads, so that it can fork
    kill_at_every_step(Path(sys.argv[1]), Path(sys.argv[2]) if sys.argv[2:] else None)
