"""Sampling from an OpenAI-compatible server: vLLM, SGLang, llama.cpp, a vendor."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from typing import Any

import httpx

from bestofn.core.errors import ConfigError, RequestError
from bestofn.core.protocols import Sampling
from bestofn.core.types import Endpoint, Request
from bestofn.generators.chat_as_completion import alternatives, chat_chunks, completion_body
from bestofn.generators.chat_template import ChatTemplate, chosen_template
from bestofn.generators.openai_sampling import GroupSampling, SeparateSampling
from bestofn.generators.openai_streaming import StreamedSampling
from bestofn.generators.upstream_tokenizer import UpstreamTokenizer
from bestofn.openai_api.client import ApiClient
from bestofn.openai_api.completion_as_chat import as_chat, with_chat_logprobs
from bestofn.openai_api.completions import Completion, read_completion
from bestofn.openai_api.connection import MOST_BYTES, open_http
from bestofn.openai_api.logprobs import asked_by_rules, field_of, token_logprobs
from bestofn.openai_api.request_body import request_body
from bestofn.openai_api.served import ServedModel, listed_models, only_model
from bestofn.openai_api.whole_answer import whole_answer
from bestofn.support.plain_json import read_beside
from bestofn.support.url import shown_url

logger = logging.getLogger(__name__)

WHO = "the upstream"
"""What the server is called in errors."""


class OpenAIGenerator:
    """Samples from a running server; make it with `openai_generator`.

    Candidates without a seed are asked for in one request with ``n``, where the server honours it:
    whether it does is found out by the first such request and remembered. Where it gives fewer, or
    refuses ``n`` but not the same request without it, each candidate is a request of its own; so is
    each one with a seed, since what ``n`` does with a seed differs from server to server.

    Whether the server gives log-probabilities is found out in the same way, for each model, the
    first time that bestofn's rules ask for them: where it refuses the request with them and takes
    it without, or answers without them, it is not asked again. So is whether it streams, where
    rules want snapshots or may stop candidates: then each candidate is a stream of its own.

    A chat of a model that has a chat template here is rendered here, and asked for as a raw
    completion: for servers that have none for it.

    Args:
        client: asks the server.
        model: its name there.
        context: see `bestofn.core.model_facts.ContextLimit`.
        chat_template: as the setting has it; see `bestofn.generators.chat_template`.
    """

    changes = False
    snapshots = True

    def __init__(
        self,
        client: ApiClient,
        model: str,
        context: int | None = None,
        chat_template: str | None = None,
    ) -> None:
        self._client = client
        self._model = model
        self._tokenizer = UpstreamTokenizer(client, model)
        self.context = context
        self._template_of = functools.lru_cache(functools.partial(chosen_template, chat_template))
        self._template_of(model)  # which refuses a template that is none, before anything is asked
        self._honours_n: bool | None = None
        self._turn = asyncio.Lock()
        self._without_logprobs: set[str] = set()
        self._without_streams: set[str] = set()

    def sample(self, request: Request, indices: Sequence[int]) -> Sampling:
        """One candidate per index, concurrently; see `bestofn.core.protocols.Generator`."""
        one = functools.partial(self._one, request)
        # Of what is asked for together all comes at once, too late to stop any of it; what a
        # candidate has cost that is stopped, only a stream tells.
        streamed = request.snapshot_tokens is not None or request.apart
        if streamed and self._served(request) not in self._without_streams:
            opened = functools.partial(self._opened, request)
            return StreamedSampling(
                request, indices, opened, functools.partial(self._unstreamed, request)
            )
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
        return count > 1 and together and self._honours_n is not False

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
        return await self._complete(request, self._body(request, index))

    async def _opened(self, request: Request, index: int) -> AsyncGenerator[dict[str, Any]]:
        """The stream of candidate `index`, with the usage at its end."""
        body = self._body(request, index)
        if asked_by_rules(request) and self._served(request) not in self._without_logprobs:
            body |= field_of(request)
        options = body.get("stream_options")
        given = options if isinstance(options, Mapping) else {}
        body["stream_options"] = {**given, "include_usage": True}
        return await self.stream(request.endpoint, body)

    async def _unstreamed(self, request: Request, index: int) -> Completion:
        """Candidate `index` in one piece, where the server refuses its stream."""
        model = self._served(request)
        known = model in self._without_logprobs
        completion = await self._one(request, index)
        if known is (model in self._without_logprobs) and model not in self._without_streams:
            logger.info("the upstream streams no answers of %s: rules see no snapshots", model)
            self._without_streams.add(model)
        return completion

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
        said = [each for each in completion.choices if each.message.get("content")]
        if said and not any(token_logprobs(each.logprobs) for each in said):
            self._do_without_logprobs(model, "gives no")
        return completion

    async def _post(self, request: Request, body: Mapping[str, Any]) -> Completion:
        template = self._rendering(request.endpoint, body)
        if template is None:
            content = await self._client.post(request.endpoint, body)
            return await read_beside(read_completion, content, WHO)
        content = await self._client.post("completions", completion_body(body, template))
        completion = await read_beside(read_completion, content, WHO)
        return with_chat_logprobs(completion, alternatives(body))

    def _do_without_logprobs(self, model: str, why: str) -> None:
        if model not in self._without_logprobs:
            logger.info("the upstream %s logprobs of %s: rules do without", why, model)
            self._without_logprobs.add(model)

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
        name, context = await _model_of_all(opened, model)
        first, *spares = opened.values()
        client = ApiClient(first, spares=spares, who=WHO, concurrency=concurrency, breakers=True)
        yield OpenAIGenerator(client, name, context, chat_template)


async def _model_of_all(
    opened: Mapping[str, httpx.AsyncClient], model: str | None
) -> tuple[str, int | None]:
    """The model to ask for, which every server serves that says what it serves; and its context,
    the least that one of them says.

    One that cannot be reached is told in the log, as long as another can.

    Raises:
        ConfigError: as `openai_generator`.
    """
    faults: list[ConfigError] = []
    served: list[ServedModel] = []
    for url, http in opened.items():
        try:
            listed = await listed_models(http, url)
        except ConfigError as error:
            if len(opened) > 1:
                logger.warning("%s", error)
            faults.append(error)
            continue
        served += listed
        if model is None:
            model = only_model(listed, url)
        elif len(opened) > 1 and listed and model not in [each.id for each in listed]:
            raise ConfigError(f"{shown_url(url)} does not serve {model}")
    if model is None or len(faults) == len(opened):
        raise faults[0]
    known = [each.max_model_len for each in served if each.id == model]
    return model, min((each for each in known if each), default=None)
