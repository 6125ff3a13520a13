"""Server-sent events: chunks as OpenAI streams them, with comments as keep-alive."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from typing import Any

from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from bestofn.core.errors import BestOfNError
from bestofn.support.concurrency import cancel_and_wait
from bestofn_server.errors import stream_error

logger = logging.getLogger(__name__)

DONE = b"data: [DONE]\n\n"
KEEP_ALIVE = b": keep-alive\n\n"
"""A comment: clients skip it (HTML standard, 9.2.6), and proxies see that the stream lives."""

LAST_WORDS = 1.0
"""Seconds for the error event of a stream that ran out of time; who does not read goes without."""


class EventStream(StreamingResponse):
    """Chunks as server-sent events, then [DONE]; an error in the middle is an event too.

    Args:
        chunks: what is sent.
        stack: closed at the end, also where the client hung up before the first byte. A time-out
            in it ends the stream, whether the engine or the client is what takes so long.
        keep_alive: seconds without a chunk after which a comment is sent.
    """

    def __init__(
        self,
        chunks: AsyncIterator[Mapping[str, Any]],
        stack: contextlib.AsyncExitStack,
        *,
        keep_alive: float,
    ) -> None:
        headers = {"cache-control": "no-cache", "x-accel-buffering": "no"}
        events = _events(chunks, keep_alive)
        super().__init__(events, media_type="text/event-stream", headers=headers)
        self._stack = stack
        self._events = events

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it all."""
        try:
            async with self._stack, contextlib.aclosing(self._events):
                await super().__call__(scope, receive, send)
        except (BestOfNError, TimeoutError) as error:  # of the stack: its time is over
            logger.warning("a stream ended: %s", error or "it took longer than the server allows")
            last = _event(stream_error(error)) + DONE
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LAST_WORDS):
                    await send({"type": "http.response.body", "body": last, "more_body": False})


async def _events(
    chunks: AsyncIterator[Mapping[str, Any]], keep_alive: float
) -> AsyncGenerator[bytes]:
    following: asyncio.Future[Mapping[str, Any] | None] | None = None
    try:
        while True:
            following = following or asyncio.ensure_future(anext(chunks, None))
            done, _ = await asyncio.wait([following], timeout=keep_alive)
            if not done:
                yield KEEP_ALIVE
                continue
            chunk, following = following.result(), None
            if chunk is None:
                break
            yield _event(chunk)
    except Exception as error:  # the status is sent already: the stream itself tells it
        expected = isinstance(error, BestOfNError | TimeoutError)
        logger.warning("a stream failed: %s", error, exc_info=None if expected else error)
        yield _event(stream_error(error))
    finally:
        if following is not None:
            await cancel_and_wait(following)
    yield DONE


def _event(chunk: Mapping[str, Any]) -> bytes:
    return f"data: {json.dumps(chunk, ensure_ascii=False, separators=(',', ':'))}\n\n".encode()
