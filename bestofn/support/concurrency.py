"""Several coroutines at once, none of which outlives another's failure."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any, TypeVar

from bestofn.core.errors import BestOfNError

Said = TypeVar("Said")


async def together(asked: Iterable[Coroutine[Any, Any, Said]]) -> list[Said]:
    """The results, in the order given; at the first failure the rest is cancelled.

    Raises:
        BestOfNError: the first that one of them raised.
    """
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(each) for each in asked]
    except* BestOfNError as failures:
        raise failures.exceptions[0] from None
    return [task.result() for task in tasks]
