"""Sampling from an OpenAI-compatible server: vLLM, SGLang, llama.cpp, a vendor."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import functools
import json
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from typing import Any

from bestofn.core.errors import RequestError
from bestofn.core.protocols import Sampling
from bestofn.core.types import Endpoint, Request
from bestofn.generators.openai_sampling import GroupSampling, SeparateSampling
from bestofn.openai_api.client import ApiClient, open_http
from bestofn.openai_api.completions import Completion, read_completion
from bestofn.openai_api.logprobs import asked_by_rules, field_of, token_logprobs
from bestofn.openai_api.request_body import request_body
from bestofn.openai_api.served import served_model

logger = logging.getLogger(__name__)


class OpenAIGenerator:
    """Samples from a running server; make it with `openai_generator`.

    Candidates without a seed are asked for in one request with ``n``, where the server honours it:
    whether it does is found out by the first such request and remembered. Where it gives fewer, or
    refuses ``n`` but not the same request without it, each candidate is a request of its own; so is
    each one with a seed, since what ``n`` does with a seed differs from server to server.

    Whether the server gives log-probabilities is found out in the same way, for each model, the
    first time that bestofn's rules ask for them: where it refuses the request with them and takes
    it without, or answers without them, it is not asked again.

    Args:
        client: asks the server.
        model: its name there.
    """

    changes = False

    def __init__(self, client: ApiClient, model: str) -> None:
        self._client = client
        self._model = model
        self._honours_n: bool | None = None
        self._turn = asyncio.Lock()
        self._without_logprobs: set[str] = set()

    def sample(self, request: Request, indices: Sequence[int]) -> Sampling:
        """One candidate per index, concurrently; see `bestofn.core.protocols.Generator`."""
        one = functools.partial(self._one, request)
        if self._in_one_request(request, len(indices)):
            group = self._several(request, len(indices))
            return GroupSampling(request, indices, group, one, self._turn)
        return SeparateSampling(request, indices, one)

    async def answer(self, endpoint: Endpoint, body: Mapping[str, Any]) -> dict[str, Any]:
        """The server's own answer; see `bestofn.core.protocols.Forwarder`."""
        content = await self._client.post(endpoint, {"model": self._model, **body})
        read_completion(content)  # what is no completion is no answer
        answer: dict[str, Any] = json.loads(content)
        return answer

    async def stream(
        self, endpoint: Endpoint, body: Mapping[str, Any]
    ) -> AsyncGenerator[dict[str, Any]]:
        """The server's own chunks; see `bestofn.core.protocols.Forwarder`."""
        return await self._client.stream(endpoint, {"model": self._model, **body})

    async def models(self) -> list[dict[str, Any]]:
        """The one model that is asked for, if the server answers; see `Forwarder`."""
        await self._client.check_alive()
        return [{"id": self._model, "object": "model", "owned_by": "upstream"}]

    def _in_one_request(self, request: Request, count: int) -> bool:
        """Whether `count` candidates are asked for in one request."""
        # vLLM refuses n > 1 at temperature 0, which says nothing about other requests.
        varied = request.seed is None and request.temperature != 0
        return count > 1 and varied and self._honours_n is not False

    async def _several(self, request: Request, count: int) -> Completion:
        """One request for `count` candidates; a server may give fewer, which is remembered.

        Raises:
            RequestError, GeneratorError: as `ApiClient.post`; also GeneratorError, the
                answer is no completion.
        """
        body = self._body(request)
        try:
            completion = await self._complete(request, body | {"n": count})
        except RequestError:
            if self._honours_n is not None:
                raise
            # It may be `n` that is refused; where it is something else, this raises the same.
            completion = await self._complete(request, body)
        if self._honours_n is None:
            self._honours_n = len(completion.choices) >= count
        return completion

    async def _one(self, request: Request, index: int) -> Completion:
        """One request for candidate `index`."""
        body = self._body(request)
        if request.seed is not None:
            body["seed"] = request.seed_of(index)
        return await self._complete(request, body)

    async def _complete(self, request: Request, body: Mapping[str, Any]) -> Completion:
        """The answer to `body`, with logprobs where the rules want them and the server gives
        them."""
        model = str(body["model"])
        if not asked_by_rules(request) or model in self._without_logprobs:
            return await self._post(request, body)
        try:
            completion = await self._post(request, {**body, **field_of(request)})
        except RequestError:
            # It may be `logprobs` that is refused; where it is not, this raises the same.
            completion = await self._post(request, body)
            self._do_without_logprobs(model, "refuses to give")
            return completion
        said = [
            each for each in completion.choices if each.text or (each.message or {}).get("content")
        ]
        if said and not any(token_logprobs(each.logprobs) for each in said):
            self._do_without_logprobs(model, "gives no")
        return completion

    async def _post(self, request: Request, body: Mapping[str, Any]) -> Completion:
        return read_completion(await self._client.post(request.endpoint, body))

    def _do_without_logprobs(self, model: str, why: str) -> None:
        if model not in self._without_logprobs:
            logger.info("the upstream %s logprobs of %s: rules do without", why, model)
            self._without_logprobs.add(model)

    def _body(self, request: Request) -> dict[str, Any]:
        plain = dataclasses.replace(request, token_logprobs=False)
        return {"model": self._model, **request_body(plain)}


@contextlib.asynccontextmanager
async def openai_generator(
    url: str, model: str | None = None, *, api_key: str | None = None, concurrency: int = 256
) -> AsyncIterator[OpenAIGenerator]:
    """A generator over the server at `url`, which is asked once what it serves.

    Args:
        url: the API's root; "/v1" is added where the URL has no path.
        model: its name there; None: the only one it serves.
        api_key: sent as a bearer token.
        concurrency: requests in flight at most.

    Raises:
        ConfigError: the server cannot be reached, refuses the key, or serves several models and
            none is named.
    """
    async with open_http(url, api_key=api_key, concurrency=concurrency) as http:
        name = await served_model(http, url, model)
        yield OpenAIGenerator(ApiClient(http, concurrency=concurrency), name)
