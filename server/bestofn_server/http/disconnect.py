"""Client disconnects: the work that a client waits for is cancelled when it hangs up."""

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
    # As asyncio.timeout does it: the work runs in the task that waits for it, which costs no
    # switch of tasks, and a cancellation from here is told apart from one from outside.
    here = asyncio.current_task()
    assert here is not None
    watch = asyncio.create_task(_hang_up(request, here))
    try:
        return await work
    except asyncio.CancelledError:
        if watch.done() and not watch.cancelled() and here.uncancel() == 0:
            raise ClientGoneError from None
        raise
    finally:
        watch.cancel()


async def _hang_up(request: Request, waiting: asyncio.Task[Any]) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
    waiting.cancel()
