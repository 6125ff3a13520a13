"""Owns what a client's hanging up does: the work that it waits for is cancelled."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from starlette.requests import Request
from starlette.responses import Response

T = TypeVar("T")

NOBODY = Response(status_code=499)
"""What is "sent" to a client that has gone; nginx's status for it, which the log then has."""


class ClientGoneError(Exception):
    """The client hung up."""


async def unless_gone(request: Request, work: Coroutine[Any, Any, T]) -> T:
    """The result of `work`; it is cancelled, and waited for, once the client hangs up.

    Args:
        request: whose body has been read.
        work: what the client waits for.

    Raises:
        ClientGoneError: the client hung up.
    """
    task = asyncio.ensure_future(work)
    gone = asyncio.ensure_future(_gone(request))
    try:
        await asyncio.wait([task, gone], return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise ClientGoneError
        return task.result()
    finally:
        gone.cancel()
        task.cancel()
        await asyncio.gather(task, gone, return_exceptions=True)


async def _gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
