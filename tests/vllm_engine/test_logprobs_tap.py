"""Logprobs noted below vLLM's OpenAI layer: of who wants them, as the engine gave them."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from types import SimpleNamespace
from typing import Any

from bestofn.vllm_engine.logprobs_tap import LogprobsTap


class Client:
    """An engine client whose outputs grow by a token each, with the flat logprobs of all."""

    errored = False

    def __init__(self) -> None:
        self.closed: list[str] = []

    async def generate(
        self, prompt: Any, sampling_params: Any, request_id: str, **rest: Any
    ) -> AsyncGenerator[Any]:
        try:
            for count in (1, 2):
                flat = SimpleNamespace(logprobs=[-0.5, -1.5][:count])
                found = flat if sampling_params.logprobs is not None else None
                yield SimpleNamespace(outputs=[SimpleNamespace(logprobs=found)], rest=rest)
        finally:
            self.closed.append(request_id)


def _params() -> Any:
    return SimpleNamespace(logprobs=None, flat_logprobs=False)


async def test_those_of_a_request_that_wants_them_are_noted() -> None:
    tap, params = LogprobsTap(Client()), _params()
    with tap.noting("a") as noted:
        outputs = [each async for each in tap.generate("p", params, "a", priority=1)]
    assert noted == [-0.5, -1.5]
    assert (params.logprobs, params.flat_logprobs) == (0, True)
    assert [each.rest for each in outputs] == [{"priority": 1}] * 2


async def test_other_requests_are_as_they_were() -> None:
    tap, params = LogprobsTap(Client()), _params()
    with tap.noting("a") as noted:
        assert len([each async for each in tap.generate("p", params, "b")]) == 2
    assert noted == []
    assert (params.logprobs, params.flat_logprobs) == (None, False)
    async for _ in tap.generate("p", params, "a"):
        pass
    assert params.logprobs is None, "nobody wants them any more"
    assert tap.errored is False


async def test_who_stops_reading_closes_the_engines_stream() -> None:
    client = Client()
    tap = LogprobsTap(client)
    with tap.noting("a") as noted:
        stream = tap.generate("p", _params(), "a")
        await anext(stream)
        await stream.aclose()
    assert noted == [-0.5]
    assert client.closed == ["a"]
