"""Pipelines of the command line, opened within the time that a request may take."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from bestofn.core.no_winner import GeneratorError

if TYPE_CHECKING:
    from bestofn.core.pipeline import Pipeline
    from bestofn.settings.settings import Settings

LEAST = 10.0
"""Seconds that an upstream has at least: what is loaded here meanwhile counts too."""


@contextlib.asynccontextmanager
async def opened_pipeline(settings: Settings) -> AsyncIterator[Pipeline]:
    """The pipeline of `settings`; an upstream has as long to say what it serves as for an answer,
    and at least `LEAST` seconds.

    Raises:
        GeneratorError: the upstream said nothing in time.
        BestOfNError: as `open_pipeline`.
    """
    from bestofn.builders.pipeline import open_pipeline

    remote = settings.upstream is not None or settings.generators
    seconds = settings.request_timeout_seconds if remote else None
    seconds = None if seconds is None else max(seconds, LEAST)
    async with contextlib.AsyncExitStack() as stack:
        try:
            async with asyncio.timeout(seconds):
                pipeline = await stack.enter_async_context(open_pipeline(settings))
        except TimeoutError as error:
            raise GeneratorError(f"the upstream said nothing within {seconds:g} s") from error
        yield pipeline
