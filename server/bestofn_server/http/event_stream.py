"""Server-sent events of an answer, as its API tells them, with something said to keep it alive."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from typing import Any

from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from bestofn.core.errors import BestOfNError
from bestofn.support.concurrency import cancel_and_wait
from bestofn_server.surfaces.surface import Telling

logger = logging.getLogger(__name__)

LAST_WORDS = 1.0
"""Seconds for the error event of a stream that ran out of time; who does not read goes without."""


class EventStream(StreamingResponse):
    """Chunks as the events of some API; an error in the middle is an event too.

    Args:
        chunks: what is sent.
        telling: what makes the events.
        stack: closed at the end, also where the client hung up before the first byte. A time-out
            in it ends the stream, whether the engine or the client is what takes so long.
        keep_alive: seconds without a chunk after which something is sent all the same.
        headers: of the answer.
    """

    def __init__(
        self,
        chunks: AsyncIterator[Mapping[str, Any]],
        telling: Telling,
        stack: contextlib.AsyncExitStack,
        *,
        keep_alive: float,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        headers = {"cache-control": "no-cache", "x-accel-buffering": "no", **(headers or {})}
        events = _events(chunks, telling, keep_alive)
        super().__init__(events, media_type="text/event-stream", headers=headers)
        self._telling = telling
        self._stack = stack
        self._events = events

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it all."""
        try:
            async with self._stack, contextlib.aclosing(self._events):
                await super().__call__(scope, receive, send)
        except (BestOfNError, TimeoutError) as error:  # of the stack: its time is over
            logger.warning("a stream ended: %s", error or "it took longer than the server allows")
            last = b"".join(self._telling.failed(error))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LAST_WORDS):
                    await send({"type": "http.response.body", "body": last, "more_body": False})


async def _events(
    chunks: AsyncIterator[Mapping[str, Any]], telling: Telling, keep_alive: float
) -> AsyncGenerator[bytes]:
    following: asyncio.Future[Mapping[str, Any] | None] | None = None
    told: list[bytes] = []  # by one chunk: sent at once, since each sending has its price
    try:
        while True:
            following = following or asyncio.ensure_future(anext(chunks, None))
            done, _ = await asyncio.wait([following], timeout=keep_alive)
            if not done:
                yield telling.keep_alive
                continue
            chunk, following = following.result(), None
            if chunk is None:
                break
            told.extend(telling.chunk(chunk))
            if told:
                yield b"".join(told)
                told.clear()
        told.extend(telling.end())
        yield b"".join(told)
    except Exception as error:  # the status is sent already: the stream itself tells it
        expected = isinstance(error, BestOfNError | TimeoutError)
        logger.warning("a stream failed: %s", error, exc_info=None if expected else error)
        told.extend(telling.failed(error))
        yield b"".join(told)
    finally:
        if following is not None:
            await cancel_and_wait(following)
