"""Structured waiting for several coroutines: all results, or the first error and nothing left over.

Example:
    await gather_or_cancel(score(each) for each in candidates)
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any, TypeVar

Result = TypeVar("Result")


async def gather_or_cancel(work: Iterable[Coroutine[Any, Any, Result]]) -> list[Result]:
    """The results, in the order given.

    At the first error, or where the caller is cancelled, the rest is cancelled and waited for, so
    that nothing runs on behind the caller's back (as with `asyncio.gather` it would). What is
    raised is that error itself and not an ExceptionGroup (as with `asyncio.TaskGroup`).

    Raises:
        Exception: the first that one of them raised.
    """
    tasks = [asyncio.ensure_future(each) for each in work]
    try:
        return await asyncio.gather(*tasks)
    finally:
        await cancel_and_wait(*tasks)


async def cancel_and_wait(*tasks: asyncio.Future[Any]) -> None:
    """Cancel what still runs, and return when it has stopped; its errors are nobody's any more."""
    running = [task for task in tasks if not task.done()]
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)
