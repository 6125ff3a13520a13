"""Sampling from a vLLM engine in this process: N requests of one candidate each.

N of n=1 instead of one of n=N make each candidate abortable and let it arrive when it
finishes; the prompt's prefill is still shared, through vLLM's prefix cache.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from bestofn.core.no_winner import GeneratorError
from bestofn.core.token_details import TokenDetails
from bestofn.core.types import Candidate, Endpoint, Request
from bestofn.generators.chat_template import ChatTemplate
from bestofn.generators.task_sampling import TaskSampling
from bestofn.generators.watched_sampling import WatchedSampling
from bestofn.openai_api.completions import completion_of
from bestofn.openai_api.documented_fields import engine_fields
from bestofn.openai_api.logprobs import asked_by_rules, known
from bestofn.openai_api.request_body import request_body
from bestofn.openai_api.to_candidate import failed_candidate, to_candidate
from bestofn.vllm_engine.constraints import ConstraintError
from bestofn.vllm_engine.engine import VllmEngine, open_engine

LOOP_STOP: Mapping[str, int] = {"max_pattern_size": 24, "min_pattern_size": 1, "min_count": 16}
"""vLLM stops a candidate whose last tokens are 16 copies of a pattern of up to 24 tokens.

The check is Python per token and sequence: about 12 microseconds at a pattern size of 16, 40 at 64
(measured), so longer and rarer cycles are left to the repetition filter. As many as 16 copies,
because what was stopped cannot be had back: a ruled line, a table's rule or a row of zeros shorter
than that stays whole. A request's options may bring their own `repetition_detection`.
"""


NO_THOUGHTS: Mapping[str, int] = {"reasoning_tokens": 0}
"""Of an answer that no thoughts were taken out of, as OpenAI's usage tells it."""


@dataclass(frozen=True, slots=True)
class VllmGenerator:
    """Samples from a running engine; make it with `vllm_generator`.

    Args:
        engine: the engine's OpenAI layer.
        loop_stop: vLLM's `repetition_detection`, set on each request that does not bring its own;
            None leaves it off. A candidate stopped so has finish_reason "repetition".
        frames_chats: whether the tokenizer's own special tokens go around a rendered chat, whose
            template writes none; else they are the template's business, as is usual.
    """

    engine: VllmEngine
    loop_stop: Mapping[str, int] | None = None
    frames_chats: bool = False
    changes: ClassVar[bool] = True  # LoRA adapters come and go
    snapshots: ClassVar[bool] = True

    @property
    def dead(self) -> bool:
        """Whether the engine has died; see `bestofn.core.protocols.EngineStatus`."""
        return self.engine.dead

    @property
    def context(self) -> int:
        """See `bestofn.core.model_facts.ContextLimit`."""
        return self.engine.context

    def sample(self, request: Request, indices: Sequence[int]) -> TaskSampling:
        """One completion per index, concurrently; see `bestofn.core.protocols.Generator`.

        A candidate that came to where the request's grammar allows nothing fails by itself; where
        that is all of them, the grammar is at fault, and the request is refused.
        """
        endpoint = request.endpoint
        unfollowed: set[int] = set()

        async def run(index: int) -> Candidate:
            logprobs: list[float] | None = [] if asked_by_rules(request) else None
            try:
                body = self._body(request, index)
                response = await self.engine.complete(endpoint, body, logprobs)
            except ConstraintError as error:
                unfollowed.add(index)
                if 0 in unfollowed and unfollowed.issuperset(indices):
                    raise  # the request begins with these, and none of them came back
                return failed_candidate(request, index, GeneratorError(str(error)))
            except GeneratorError as error:
                if self.engine.dead:
                    raise
                return failed_candidate(request, index, error)
            return _candidate(response, request, index, logprobs)

        def abort(index: int) -> None:
            self.engine.abort(endpoint, _id(request, index))

        if request.snapshot_tokens is None:
            return TaskSampling(indices, run, abort)

        def count(index: int) -> int:
            return self.engine.tokens_so_far(endpoint, _id(request, index))

        def look(index: int) -> Candidate | None:
            body = self._body(request, index) if self.engine.parses(endpoint) else None
            found = self.engine.message_so_far(endpoint, _id(request, index), body)
            if found is None:
                return None
            seed = request.seed_of(index)
            return Candidate(index, found[0], None, found[1], seed=seed, vouched=True)

        every = request.snapshot_tokens
        return WatchedSampling(indices, run, abort, every=every, count=count, look=look)

    async def answer(self, endpoint: Endpoint, body: Mapping[str, Any]) -> dict[str, Any]:
        """The engine's own answer; see `bestofn.core.protocols.Forwarder`."""
        response = await self.engine.complete(endpoint, self._taken(endpoint, body))
        return _with_thoughts(response.model_dump())

    async def stream(
        self, endpoint: Endpoint, body: Mapping[str, Any]
    ) -> AsyncGenerator[dict[str, Any]]:
        """The engine's own chunks; see `bestofn.core.protocols.Forwarder`."""
        taken = self._taken(endpoint, body)
        return _chunks(await self.engine.stream(endpoint, {**taken, "stream": True}))

    async def models(self) -> list[dict[str, Any]]:
        """What the engine serves; see `bestofn.core.protocols.Forwarder`."""
        return await self.engine.models()

    async def tokenize(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """What the engine reads of a text; see `bestofn.core.tokenizing.Tokenizing`."""
        return await self.engine.tokenizer.tokenize(body)

    async def detokenize(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """The text of tokens; see `bestofn.core.tokenizing.Tokenizing`."""
        return await self.engine.tokenizer.detokenize(body)

    def ignored(self, request: Request) -> Sequence[str]:
        """Fields of OpenAI's that vLLM has no use for; see `bestofn.core.protocols.Ignoring`."""
        return engine_fields(request.options, self.engine.fields(request.endpoint))[1]

    def _taken(self, endpoint: Endpoint, body: Mapping[str, Any]) -> dict[str, Any]:
        fields = engine_fields(body, self.engine.fields(endpoint))[0]
        framed = self.frames_chats and endpoint == "chat/completions"
        return {"add_special_tokens": True, **fields} if framed else fields

    def _body(self, request: Request, index: int) -> dict[str, Any]:
        """OpenAI's request body for one candidate; options go in untouched."""
        body: dict[str, Any] = {"return_token_ids": True}
        if self.loop_stop is not None:
            body["repetition_detection"] = self.loop_stop
        body |= self._taken(request.endpoint, request_body(request))
        body |= {"n": 1, "request_id": _id(request, index)}
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
    chat_template: ChatTemplate | None = None,
) -> AsyncIterator[VllmGenerator]:
    """A generator over a vLLM engine that lives as long as the context.

    Args and errors as `bestofn.vllm_engine.engine.open_engine`; `loop_stop` as `VllmGenerator`;
    `chat_template` instead of the checkpoint's own.
    """
    framed = chat_template is not None and chat_template.framed
    if chat_template is not None:
        arguments = [f"--chat-template={chat_template.text}", *arguments]
    async with open_engine(model, arguments, environment) as engine:
        yield VllmGenerator(engine, loop_stop, framed)


async def _chunks(chunks: AsyncGenerator[dict[str, Any]]) -> AsyncGenerator[dict[str, Any]]:
    """Them, with the thoughts in their usage counted."""
    async with contextlib.aclosing(chunks):
        async for chunk in chunks:
            yield _with_thoughts(chunk)


def _candidate(
    response: Any, request: Request, index: int, logprobs: list[float] | None
) -> Candidate:
    """The one choice of vLLM's response object as a candidate.

    Args:
        response: vLLM's.
        request: whose candidate it is.
        index: its number.
        logprobs: of its tokens, where rules read them; a client's are in the response.
    """
    read = completion_of(response.model_dump(include={"choices", "usage"}))
    found = to_candidate(read, 0, request, index)
    details = _details(found.details, begun=bool(found.completion_tokens))
    candidate = dataclasses.replace(found, vouched=True, details=details)
    return candidate if logprobs is None else candidate.with_token_logprobs(known(logprobs))


def _details(told: TokenDetails | None, *, begun: bool) -> TokenDetails:
    """What vLLM tells of a candidate's tokens.

    Args:
        told: None: nothing. Where it takes no thoughts out of an answer, it counts none.
        begun: whether a token was sampled; before that it tells zeros of a prompt that it has not
            read yet.
    """
    found = told or TokenDetails()
    return TokenDetails(found.prompt if begun else {}, {**NO_THOUGHTS, **found.completion})


def _with_thoughts(answer: dict[str, Any]) -> dict[str, Any]:
    """The same of vLLM's own answer or chunk (changed in place)."""
    usage = answer.get("usage")
    if usage is not None and not usage.get("completion_tokens_details"):
        usage["completion_tokens_details"] = dict(NO_THOUGHTS)
    return answer


def _id(request: Request, index: int) -> str:
    return f"{request.id}-{index}"
