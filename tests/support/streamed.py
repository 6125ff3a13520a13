"""An upstream that streams, and what is read of it with snapshots."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

from starlette.responses import Response, StreamingResponse

from bestofn.core.types import Candidate, Request
from bestofn.generators.openai import OpenAIGenerator
from tests.support.upstream import Script, Upstream

Serve = Callable[[Script], Upstream]
USAGE = {"prompt_tokens": 3, "completion_tokens": 40}


def said(text: str, **more: Any) -> dict[str, Any]:
    """A chunk with a piece of the answer."""
    return {"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": None, **more}]}


def chunk(delta: dict[str, Any], finish_reason: str | None = None) -> dict[str, Any]:
    """A chunk with this delta."""
    return {"choices": [{"index": 0, "delta": delta, "finish_reason": finish_reason}]}


END: Sequence[dict[str, Any]] = (chunk({}, "stop"), {"choices": [], "usage": USAGE})


def events(
    chunks: Sequence[dict[str, Any] | str],
    *,
    pause: float = 0.0,
    done: bool = True,
    on_end: Callable[[], None] = lambda: None,
) -> Response:
    """These chunks as server-sent events; `on_end` is called however the stream ends."""

    async def lines() -> AsyncIterator[str]:
        try:
            for each in chunks:
                yield f"data: {each if isinstance(each, str) else json.dumps(each)}\n\n"
                await asyncio.sleep(pause)
            if done:
                yield "data: [DONE]\n\n"
        finally:
            on_end()

    return StreamingResponse(lines(), media_type="text/event-stream")


def reading(best_of: int = 2, every: int = 2, **fields: Any) -> Request:
    """A request whose rules want a snapshot every so many tokens."""
    return Request.from_prompt("x", best_of=best_of, snapshot_tokens=every, **fields)


async def sampled(
    generator: OpenAIGenerator, request: Request
) -> tuple[dict[int, Candidate], list[Candidate]]:
    """(the finished by index, the snapshots in order)."""
    sampling = generator.sample(request, range(request.best_of))
    async with contextlib.aclosing(sampling):
        come = [candidate async for candidate in sampling]
    finished = [each for each in come if each.finish_reason is not None]
    assert len(finished) == request.best_of
    return {c.index: c for c in finished}, [c for c in come if c.finish_reason is None]
