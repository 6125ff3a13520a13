"""Sampling from an OpenAI-compatible server: vLLM, SGLang, llama.cpp, a vendor."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from typing import Any

from bestofn.core.protocols import Sampling
from bestofn.core.types import Endpoint, Request
from bestofn.generators.chat_as_completion import (
    chat_chunks,
    completion_body,
    unread_fields,
)
from bestofn.generators.chat_template import ChatTemplate, chosen_template
from bestofn.generators.found_out import NOT_TAKEN, FoundOut, kind_of
from bestofn.generators.openai_sampling import GroupSampling, SeparateSampling
from bestofn.generators.openai_streaming import StreamedSampling
from bestofn.generators.upstream_tokenizer import UpstreamTokenizer
from bestofn.openai_api.client import ApiClient
from bestofn.openai_api.completion_as_chat import alternatives, as_chat, with_chat_logprobs
from bestofn.openai_api.completions import Completion, read_completion
from bestofn.openai_api.connection import MOST_BYTES, open_http
from bestofn.openai_api.logprobs import asked_by_rules, field_of, token_logprobs
from bestofn.openai_api.request_body import request_body
from bestofn.openai_api.served import model_of_all
from bestofn.openai_api.whole_answer import whole_answer
from bestofn.support.plain_json import read_beside

logger = logging.getLogger(__name__)

WHO = "the upstream"
"""What the server is called in errors."""


class OpenAIGenerator:
    """Samples from a running server; make it with `openai_generator`.

    Candidates without a seed are asked for in one request with ``n``, where the server honours it.
    Where it gives fewer, or refuses ``n`` but not the same request without it, each candidate is a
    request of its own; so is each one with a seed, since what ``n`` does with a seed differs from
    server to server. Log-probabilities, where bestofn's rules ask for them, and streams, where
    rules want snapshots or may stop candidates, are done without in the same way. What the server
    does not do is remembered for a while, for requests of the same kind
    (`bestofn.generators.found_out`).

    A chat of a model that has a chat template here is rendered here, and asked for as a raw
    completion: for servers that have none for it.

    Args:
        client: asks the server.
        model: its name there.
        context: see `bestofn.core.model_facts.ContextLimit`.
        chat_template: as the setting has it; see `bestofn.generators.chat_template`.
        most_bytes: of one answer; a longer one fails.
    """

    changes = False
    snapshots = True

    def __init__(
        self,
        client: ApiClient,
        model: str,
        context: int | None = None,
        chat_template: str | None = None,
        most_bytes: int = MOST_BYTES,
    ) -> None:
        self._most_bytes = most_bytes
        self._client = client
        self._model = model
        self._tokenizer = UpstreamTokenizer(client, model)
        self.context = context
        self._template_of = functools.lru_cache(functools.partial(chosen_template, chat_template))
        self._template_of(model)  # which refuses a template that is none, before anything is asked
        self._turn = asyncio.Lock()
        self._found = FoundOut()

    def sample(self, request: Request, indices: Sequence[int]) -> Sampling:
        """One candidate per index, concurrently; see `bestofn.core.protocols.Generator`."""
        one = functools.partial(self._one, request)
        # Of what is asked for together all comes at once, too late to stop any of it; what a
        # candidate has cost that is stopped, only a stream tells.
        streamed = request.snapshot_tokens is not None or request.apart
        if streamed and not self._found.lacks("streams", kind_of(request, self._model)):
            opened = functools.partial(self._opened, request)
            whole = functools.partial(self._unstreamed, request)
            return StreamedSampling(request, indices, opened, whole, self._most_bytes)
        if self._in_one_request(request, len(indices)):
            group = self._several(request, len(indices))
            return GroupSampling(request, indices, group, one, self._turn)
        return SeparateSampling(request, indices, one)

    async def answer(self, endpoint: Endpoint, body: Mapping[str, Any]) -> dict[str, Any]:
        """The server's own answer; see `bestofn.core.protocols.Forwarder`."""
        template = self._rendering(endpoint, body)
        sent: Mapping[str, Any] = body
        if template is not None:
            endpoint, sent = "completions", completion_body(body, template)
        content = await self._client.post(endpoint, {"model": self._model, **sent})
        answer = await read_beside(whole_answer, content, WHO)
        return answer if template is None else as_chat(answer, alternatives(body))

    async def stream(
        self, endpoint: Endpoint, body: Mapping[str, Any]
    ) -> AsyncGenerator[dict[str, Any]]:
        """The server's own chunks; see `bestofn.core.protocols.Forwarder`."""
        template = self._rendering(endpoint, body)
        if template is None:
            return await self._client.stream(endpoint, {"model": self._model, **body})
        sent = {"model": self._model, **completion_body(body, template)}
        return chat_chunks(await self._client.stream("completions", sent), alternatives(body))

    async def models(self) -> list[dict[str, Any]]:
        """The one model that is asked for, if the server answers; see `Forwarder`."""
        await self._client.check_alive()
        return [{"id": self._model, "object": "model", "owned_by": "upstream"}]

    def _rendering(self, endpoint: Endpoint, fields: Mapping[str, Any]) -> ChatTemplate | None:
        """What renders a request with these fields here; None: it goes as it is."""
        if endpoint == "completions":
            return None
        return self._template_of(str(fields.get("model") or self._model))

    def ignored(self, request: Request) -> Sequence[str]:
        """See `bestofn.core.protocols.Ignoring`: a server says itself what it does not take, and
        of what is rendered here the template leaves out what it does not read."""
        template = self._rendering(request.endpoint, request.options)
        return () if template is None else unread_fields(request.options, template)

    async def tokenize(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """See `bestofn.core.tokenizing.Tokenizing`."""
        return await self._tokenizer.tokenize(body)

    async def detokenize(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """See `bestofn.core.tokenizing.Tokenizing`."""
        return await self._tokenizer.detokenize(body)

    def _in_one_request(self, request: Request, count: int) -> bool:
        """Whether `count` candidates are asked for in one request."""
        # vLLM refuses n > 1 at temperature 0, which says nothing about other requests.
        varied = request.seed is None and request.temperature != 0
        together = varied and not request.apart
        return count > 1 and together and self._found.may_give(count, kind_of(request, self._model))

    async def _several(self, request: Request, count: int) -> Completion:
        """One request for `count` candidates; a server may give fewer, which is remembered.

        Raises:
            RequestError, GeneratorError: as `ApiClient.post`; also GeneratorError, the
                answer is no completion.
        """
        body, kind = self._body(request), kind_of(request, self._model)
        try:
            completion = await self._complete(request, body | {"n": count})
        except NOT_TAKEN:
            # It may be `n` that is not taken, where a server was started again even after it gave
            # as many; where it is something else, this raises the same.
            completion = await self._complete(request, body)
            self._found.gave_less_than(count, kind)
            return completion
        if len(completion.choices) >= count:
            self._found.gave(count, kind)
        elif not self._found.gives(count, kind):
            self._found.gave_less_than(count, kind)
        return completion

    async def _one(self, request: Request, index: int) -> Completion:
        """One request for candidate `index`."""
        return await self._complete(request, self._body(request, index))

    async def _opened(self, request: Request, index: int) -> AsyncGenerator[dict[str, Any]]:
        """The stream of candidate `index`, with the usage at its end."""
        body = self._body(request, index)
        if asked_by_rules(request) and not self._found.lacks(
            "logprobs", kind_of(request, self._model)
        ):
            body |= field_of(request)
        options = body.get("stream_options")
        given = options if isinstance(options, Mapping) else {}
        body["stream_options"] = {**given, "include_usage": True}
        return await self.stream(request.endpoint, body)

    async def _unstreamed(self, request: Request, index: int) -> Completion:
        """Candidate `index` in one piece, where the server refuses its stream."""
        kind = kind_of(request, self._model)
        known = self._found.lacks("logprobs", kind)
        completion = await self._one(request, index)
        same = known is self._found.lacks("logprobs", kind)
        if same and self._found.does_without("streams", kind):
            model = self._served(request)
            logger.info("the upstream streams no answers of %s here: rules see no snapshots", model)
        return completion

    async def _complete(self, request: Request, body: Mapping[str, Any]) -> Completion:
        """The answer to `body`, with logprobs where the rules want them and the server gives
        them."""
        if not asked_by_rules(request) or self._found.lacks(
            "logprobs", kind_of(request, self._model)
        ):
            return await self._post(request, body)
        try:
            completion = await self._post(request, {**body, **field_of(request)})
        except NOT_TAKEN:
            # It may be `logprobs` that is refused; where it is not, this raises the same.
            completion = await self._post(request, body)
            self._do_without_logprobs(request, "refuses to give")
            return completion
        said = [each for each in completion.choices if each.message.get("content")]
        if said and not any(token_logprobs(each.logprobs) for each in said):
            self._do_without_logprobs(request, "gives no")
        return completion

    async def _post(self, request: Request, body: Mapping[str, Any]) -> Completion:
        template = self._rendering(request.endpoint, body)
        if template is None:
            content = await self._client.post(request.endpoint, body)
            return await read_beside(read_completion, content, WHO)
        content = await self._client.post("completions", completion_body(body, template))
        completion = await read_beside(read_completion, content, WHO)
        return with_chat_logprobs(completion, alternatives(body))

    def _do_without_logprobs(self, request: Request, why: str) -> None:
        if self._found.does_without("logprobs", kind_of(request, self._model)):
            model = self._served(request)
            logger.info("the upstream %s logprobs of %s here: rules do without", why, model)

    def _served(self, request: Request) -> str:
        """The name of the model that is asked for."""
        return str(request.options.get("model", self._model))

    def _body(self, request: Request, index: int | None = None) -> dict[str, Any]:
        """What is asked for, with the seed of a candidate; logprobs that only rules read aside."""
        body = {"model": self._model, **request_body(request)}
        if index is not None and request.seed is not None:
            body["seed"] = request.seed_of(index)
        return body


@contextlib.asynccontextmanager
async def openai_generator(
    url: str | Sequence[str],
    model: str | None = None,
    *,
    api_key: str | None = None,
    concurrency: int = 256,
    most_bytes: int = MOST_BYTES,
    chat_template: str | None = None,
) -> AsyncIterator[OpenAIGenerator]:
    """A generator over the server at `url`, which is asked once what it serves.

    Args:
        url: the API's root; "/v1" is added where the URL has no path. Several serve the same model,
            and one is asked where those before it fail.
        model: its name there; None: the only one it serves.
        api_key: sent as a bearer token.
        concurrency: requests in flight at most.
        most_bytes: of one answer; a longer one fails.
        chat_template: renders chats here; see `bestofn.generators.chat_template.chosen_template`.

    Raises:
        ConfigError: the chat template is none, no server can be reached, one refuses the key or
            does not serve the model, or it serves several models and none is named.
    """
    urls = [url] if isinstance(url, str) else list(url)
    async with contextlib.AsyncExitStack() as stack:
        opened = {
            each: await stack.enter_async_context(
                open_http(each, api_key=api_key, concurrency=concurrency, most_bytes=most_bytes)
            )
            for each in urls
        }
        name, context = await model_of_all(opened, model)
        first, *spares = opened.values()
        client = ApiClient(first, spares=spares, who=WHO, concurrency=concurrency, breakers=True)
        yield OpenAIGenerator(client, name, context, chat_template, most_bytes)
