"""What a run on Ray is given: picklable ways to read rows and to open a pipeline over fakes."""

from __future__ import annotations

import contextlib
import os
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

from bestofn.core.pipeline import Pipeline
from bestofn.core.types import Request
from bestofn.dataset.prompts.rows import Row
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
