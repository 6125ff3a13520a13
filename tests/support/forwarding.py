"""A fake engine with an OpenAI API of its own, through which whole requests can pass."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any

from bestofn import BestOfNError
from bestofn.core.types import Endpoint
from bestofn.testing import FakeGenerator, Script


class ForwardingGenerator(FakeGenerator):
    """A `FakeGenerator` that is a `bestofn.core.protocols.Forwarder` too.

    Args:
        script: what `sample` plays.
        served: the names of its models, the default first.
        chunks: what it streams; `answer` gives the first.
        delay: seconds before each of them.
        fault: raised after them.

    Attributes:
        forwarded: endpoint and body of each request that passed through.
        streams: how many streams were closed before their end.
    """

    changes = True

    def __init__(
        self,
        script: Script = ("good", "better"),
        *,
        served: Sequence[str] = ("base",),
        chunks: Sequence[dict[str, Any]] = ({"choices": []},),
        delay: float = 0.0,
        fault: BestOfNError | None = None,
    ) -> None:
        super().__init__(script)
        self.served = list(served)
        self.forwarded: list[tuple[Endpoint, Mapping[str, Any]]] = []
        self.cut = 0
        self._chunks = chunks
        self._delay = delay
        self._fault = fault

    async def answer(self, endpoint: Endpoint, body: Mapping[str, Any]) -> dict[str, Any]:
        async for chunk in await self.stream(endpoint, body):
            return chunk
        raise AssertionError("no answer is scripted")

    async def stream(
        self, endpoint: Endpoint, body: Mapping[str, Any]
    ) -> AsyncGenerator[dict[str, Any]]:
        self.forwarded.append((endpoint, body))
        return self._stream()

    async def models(self) -> list[dict[str, Any]]:
        return [{"id": name, "object": "model", "owned_by": "fake"} for name in self.served]

    async def _stream(self) -> AsyncGenerator[dict[str, Any]]:
        ended = False
        try:
            for chunk in self._chunks:
                await asyncio.sleep(self._delay)
                yield dict(chunk)
            if self._fault is not None:
                raise self._fault
            ended = True
        finally:
            self.cut += not ended
