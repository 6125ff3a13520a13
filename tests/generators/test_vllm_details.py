"""What a vLLM engine tells of tokens, over a stand-in for the engine."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Collection, Mapping
from types import SimpleNamespace
from typing import Any, cast

import pytest

from bestofn.core.token_details import TokenDetails
from bestofn.core.types import Candidate, Request
from bestofn.generators.vllm import VllmGenerator

CACHE = {"cached_tokens": 16, "created_cache_tokens": 0}
NONE = {"reasoning_tokens": 0}


class Engine:
    """Gives one answer, with this usage."""

    def __init__(self, **usage: Any) -> None:
        self.usage = {"prompt_tokens": 20, **usage}

    def fields(self, endpoint: str) -> Collection[str]:
        return {"messages", "max_tokens"}

    async def complete(self, endpoint: str, body: Any, logprobs: Any = None) -> Any:
        choice = {"message": {"role": "assistant", "content": "3"}, "finish_reason": "stop"}
        answer = {"choices": [choice], "usage": dict(self.usage)}
        return SimpleNamespace(model_dump=lambda include=None: answer)

    async def stream(self, endpoint: str, body: Any) -> AsyncGenerator[dict[str, Any]]:
        async def chunks() -> AsyncGenerator[dict[str, Any]]:
            yield {"choices": [{"delta": {"content": "3"}}], "usage": None}
            yield {"choices": [], "usage": dict(self.usage)}

        return chunks()


def generator(**usage: Any) -> VllmGenerator:
    return VllmGenerator(cast("Any", Engine(**usage)))


async def _sampled(**usage: Any) -> Candidate:
    sampling = generator(**usage).sample(Request.from_prompt("q", best_of=1), [0])
    return await anext(sampling)


@pytest.mark.parametrize(
    ("counted", "thoughts", "told"),
    [
        (3, None, TokenDetails(CACHE, NONE)),
        (3, {"reasoning_tokens": 2}, TokenDetails(CACHE, {"reasoning_tokens": 2})),
        (0, None, TokenDetails({}, NONE)),  # stopped before its prompt was read
    ],
)
async def test_a_candidates_details(
    counted: int, thoughts: Mapping[str, int] | None, told: TokenDetails
) -> None:
    found = await _sampled(
        completion_tokens=counted, prompt_tokens_details=CACHE, completion_tokens_details=thoughts
    )
    assert found.details == told


@pytest.mark.parametrize("thoughts", [None, {"reasoning_tokens": 2}])
async def test_details_of_what_is_passed_through(thoughts: Mapping[str, int] | None) -> None:
    made = generator(completion_tokens=3, completion_tokens_details=thoughts)
    body = {"messages": [{"role": "user", "content": "q"}]}
    answer = await made.answer("chat/completions", body)
    chunks = [chunk async for chunk in await made.stream("chat/completions", body)]
    assert answer["usage"]["completion_tokens_details"] == (thoughts or NONE)
    assert chunks[0]["usage"] is None
    assert chunks[1]["usage"]["completion_tokens_details"] == (thoughts or NONE)
