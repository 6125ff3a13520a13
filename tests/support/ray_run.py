"""What a run on Ray is given: picklable ways to read rows and to open a pipeline over fakes."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import typer

from bestofn.cli.running import exit_codes, run_to_end
from bestofn.core.pipeline import Pipeline
from bestofn.core.types import Request
from bestofn.dataset.prompts.rows import Row
from bestofn.dataset.run.options import Cluster, RunOptions
from bestofn.dataset.run.ray import run_on_ray
from bestofn.dataset.store.store import Store
from bestofn.testing import FakeCompletion
from tests.support import dataset_fakes as fakes

ROWS = 120


def read() -> Iterator[Row]:
    """The rows of the run; one is broken."""
    yield from fakes.rows(ROWS, [5])


def slowly(request: Request, index: int) -> FakeCompletion:
    """The same answers, after long enough for both workers to start."""
    return replace(fakes.answer(request, index), delay=0.3)


class Opening:
    """Opens a pipeline and notes the process in which it did.

    Args:
        folder: where it notes.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @contextlib.asynccontextmanager
    async def __call__(self) -> AsyncIterator[Pipeline]:
        (self._folder / str(os.getpid())).touch()
        yield fakes.pipeline(slowly)


async def work(folder: Path) -> None:
    """Do the run on a cluster of its own, of as many CPUs as it has workers."""
    (folder / "pids").mkdir(parents=True, exist_ok=True)
    with contextlib.closing(Store.open(folder / "run", fakes.CONFIG, rows_per_shard=50)) as store:
        await run_on_ray(
            read,
            store,
            Opening(folder / "pids"),
            Cluster(actors=2, most_actors=2),
            RunOptions(in_flight=4),
            tell=lambda sentence: print(sentence, flush=True),
        )


if __name__ == "__main__":
    try:
        with exit_codes():
            run_to_end(work(Path(sys.argv[1])))
    except typer.Exit as ended:
        print("wound up", flush=True)  # by itself, and not by what ends a process that does not
        sys.exit(ended.exit_code)
