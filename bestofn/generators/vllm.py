"""Owns sampling from an in-process vLLM engine: N chat completions of one candidate each.

N requests of n=1 instead of one of n=N make each candidate abortable and let it arrive when it
finishes; the prompt's prefill is still shared, through vLLM's prefix cache.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bestofn.errors import GeneratorError
from bestofn.generators.tasks import TaskSampling
from bestofn.types import Candidate, Request
from bestofn.vllm_adapter import ChatEngine, chat_engine

LOOP_STOP: Mapping[str, int] = {"max_pattern_size": 24, "min_pattern_size": 1, "min_count": 16}
"""vLLM stops a candidate whose last tokens are 16 copies of a pattern of up to 24 tokens.

The check is Python per token and sequence: about 12 microseconds at a pattern size of 16, 40 at 64
(measured), so longer and rarer cycles are left to the repetition filter. As many as 16 copies,
because what was stopped cannot be had back: a ruled line, a table's rule or a row of zeros shorter
than that stays whole. A request's options may bring their own `repetition_detection`.
"""


@dataclass(frozen=True, slots=True)
class VllmGenerator:
    """Samples from a running engine; make it with `vllm_generator`.

    Args:
        engine: the engine's chat layer.
        loop_stop: vLLM's `repetition_detection`, set on each request that does not bring its own;
            None leaves it off. A candidate stopped so has finish_reason "repetition".
    """

    engine: ChatEngine
    loop_stop: Mapping[str, int] | None = None

    def sample(self, request: Request, indices: Sequence[int]) -> TaskSampling:
        """One chat completion per index, concurrently; see `bestofn.protocols.Generator`."""

        async def run(index: int) -> Candidate:
            try:
                response = await self.engine.complete(self._body(request, index))
            except GeneratorError as error:
                if self.engine.dead:
                    raise
                empty = {"role": "assistant", "content": None}
                seed = request.seed_of(index)
                return Candidate(index, empty, "error", seed=seed, error=str(error))
            return _candidate(response, request, index)

        return TaskSampling(
            indices, run, abort=lambda index: self.engine.abort(_engine_id(request, index))
        )

    def _body(self, request: Request, index: int) -> dict[str, Any]:
        """OpenAI's request body for one candidate; options go in untouched."""
        body: dict[str, Any] = {"return_token_ids": True}
        if self.loop_stop is not None:
            body["repetition_detection"] = self.loop_stop
        body |= request.options
        body |= {"messages": list(request.messages), "n": 1, "stream": False}
        body["request_id"] = _engine_id(request, index)
        if request.temperature is not None:
            body["temperature"] = request.temperature
        if request.max_tokens is not None:
            body["max_completion_tokens"] = request.max_tokens
        if request.seed is not None:
            body["seed"] = request.seed_of(index)
        return body


@contextlib.asynccontextmanager
async def vllm_generator(
    model: str,
    arguments: Sequence[str] = (),
    *,
    loop_stop: Mapping[str, int] | None = LOOP_STOP,
    environment: Mapping[str, str] | None = None,
) -> AsyncIterator[VllmGenerator]:
    """A generator over a vLLM engine that lives as long as the context.

    Args and errors as `bestofn.vllm_adapter.chat_engine`; `loop_stop` as `VllmGenerator`.
    """
    async with chat_engine(model, arguments, environment) as engine:
        yield VllmGenerator(engine, loop_stop)


def _engine_id(request: Request, index: int) -> str:
    return f"{request.id}-{index}"


def _candidate(response: Any, request: Request, index: int) -> Candidate:
    (choice,) = response.choices
    message = {"content": None, **choice.message.model_dump(exclude_none=True)}
    if not message.get("tool_calls"):
        message.pop("tool_calls", None)
    return Candidate(
        index=index,
        message=message,
        finish_reason=choice.finish_reason,
        completion_tokens=response.usage.completion_tokens,
        prompt_tokens=response.usage.prompt_tokens,
        token_ids=None if choice.token_ids is None else tuple(choice.token_ids),
        logprobs=None if choice.logprobs is None else choice.logprobs.model_dump(),
        seed=request.seed_of(index),
    )
