"""Text to tokens and back, and how many a conversation has, as the engine of a model's name reads
them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

from bestofn.core.no_winner import GeneratorError
from bestofn.core.tokenizing import NoTokenizerError
from bestofn_server.errors import NotOfferedError
from bestofn_server.service.service import Service
from bestofn_server.wire.requests import BestOfNOptions, ChatRequest


async def tokenize(
    service: Service, model: str | None, fields: Mapping[str, Any]
) -> Mapping[str, Any]:
    """The tokens of a text.

    Raises:
        ModelNotFoundError: nothing has that name.
        RequestError: the engine refuses.
        NotOfferedError: there is no tokenizer that can be asked.
        EngineError: it failed.
    """
    tokenizing, body = await service.tokenizer(model, fields)
    with service.engine_faults(), _offered():
        return await tokenizing.tokenize(body)


async def detokenize(
    service: Service, model: str | None, fields: Mapping[str, Any]
) -> Mapping[str, Any]:
    """The text of tokens; errors as `tokenize`."""
    tokenizing, body = await service.tokenizer(model, fields)
    with service.engine_faults(), _offered():
        return await tokenizing.detokenize(body)


async def prompt_tokens(service: Service, body: ChatRequest, profile: str | None = None) -> int:
    """How many tokens the conversation of `body` has, which the engine counts: it samples one
    token. Every engine can do that, and what it has read is in its cache for the request that
    follows.

    Raises:
        EngineError: it failed, or does not count.
        ModelNotFoundError, RequestError: as `Service.plan`.
    """
    one = {"max_tokens": None, "max_completion_tokens": 1, "best_of": 1, "n": 1}
    extra = {k: v for k, v in body.further.items() if k not in ("tool_choice", "response_format")}
    asked = {"model": body.model, "messages": body.messages, **extra, **one}
    job = await service.plan(ChatRequest(**asked, bestofn=BestOfNOptions()), profile)
    with service.engine_faults():
        sampling = job.pipeline.generator.sample(job.requests[0], [0])
        try:
            candidate = await anext(sampling)
        finally:
            await sampling.aclose()
        if candidate.error is not None:
            raise GeneratorError(candidate.error)
        if candidate.prompt_tokens is None:
            raise GeneratorError("the upstream does not count the tokens of a prompt")
    return candidate.prompt_tokens


@contextlib.contextmanager
def _offered() -> Iterator[None]:
    try:
        yield
    except NoTokenizerError as error:
        raise NotOfferedError(str(error)) from error
