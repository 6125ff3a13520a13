"""The domain types that go into a ranking: request, candidate, rejection, failure, score.

Everything here is a frozen, slotted dataclass without behaviour beyond derived properties. It is a
leaf: of bestofn it imports only errors, finish reasons and messages, so every layer may import it.
"""

from __future__ import annotations

import math
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from bestofn.core.errors import RequestError
from bestofn.core.finish_reason import ended_by_itself
from bestofn.core.message import Message as Message
from bestofn.core.message import check_texts
from bestofn.core.message import message_text as message_text
from bestofn.core.token_details import TokenDetails

Endpoint = Literal["chat/completions", "completions"]
"""OpenAI's two ways to ask a model, as their paths are called."""

OWNED_OPTIONS = frozenset(
    {"messages", "prompt", "best_of", "n", "temperature", "max_tokens", "seed", "stream"}
)
"""Fields bestofn sets itself, so they may not stand in `Request.options`."""

GENERATION_ERROR = "generation_error"
"""The reason of a `Failure` where the engine failed on a candidate."""

FILTER_ERROR = "filter_error"
"""The reason of a `Failure` where a filter raised on a candidate."""

REWARD_ERROR = "reward_error"
"""The reason of a `Failure` where the reward model failed on a candidate."""

LARGEST_REWARD = 1e100
"""Of a million rewards up to this, sums and squares are finite."""


@dataclass(frozen=True, slots=True)
class Request:
    """What to answer and how to sample it.

    Args:
        messages: the conversation, oldest first, as OpenAI chat messages; at least one.
        best_of: N, how many candidates are sampled (>= 1).
        n: how many of the best are returned (1 <= n <= best_of).
        temperature: sampling temperature; None leaves the engine's default. 0 makes every
            candidate of a model equal, so only one is sampled.
        max_tokens: limit on completion tokens per candidate; None: up to the model's context.
        seed: candidate i samples with ``seed + i``; None samples without a fixed seed.
        options: further fields of OpenAI's chat completion request (tools, response_format,
            stop, logprobs, top_p, ...), handed to the engine untouched.
        raw: the text of the one user message is continued as it is, without the chat template, as
            OpenAI's completions API does it; `options` are then fields of that API.
        reference: what a verifier compares an answer with: the right number, the tests of a
            program, ...; see `bestofn.rewards.verifiers`. A judge that is told to reads it too.
        id: names the request in logs and in the engine.
        token_logprobs: whether rules read `Candidate.token_logprobs`, so that the engine is asked
            for them; `best_of_n` sets it. What a client wants to see stands in `options`.
        sources: how many models sample its candidates, so how many differ at temperature 0;
            `best_of_n` sets it.
        snapshot_tokens: after how many tokens rules want to see another snapshot of a candidate;
            `best_of_n` sets it. None: never.
        apart: whether a rule may stop some candidates once others have finished, so that they must
            not be asked for together; `best_of_n` sets it.

    Raises:
        RequestError: a field is out of its range.
    """

    messages: tuple[Message, ...]
    best_of: int = 8
    n: int = 1
    temperature: float | None = None
    max_tokens: int | None = None
    seed: int | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    raw: bool = False
    reference: Any = None
    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    token_logprobs: bool = False
    sources: int = 1
    snapshot_tokens: int | None = None
    apart: bool = False

    def __post_init__(self) -> None:
        if not self.messages:
            raise RequestError("messages is empty: a request needs at least one message")
        if self.best_of < 1:
            raise RequestError(f"best_of is {self.best_of}; it must be at least 1")
        if not 1 <= self.n <= self.best_of:
            raise RequestError(f"n is {self.n}; it must be between 1 and best_of ({self.best_of})")
        if self.temperature is not None and not 0 <= self.temperature <= 2:
            raise RequestError(f"temperature is {self.temperature}; it must be between 0 and 2")
        if self.max_tokens is not None and self.max_tokens < 1:
            raise RequestError(f"max_tokens is {self.max_tokens}; it must be at least 1")
        if owned := OWNED_OPTIONS & self.options.keys():
            raise RequestError(f"options holds {', '.join(sorted(owned))}: set the field itself")
        if self.raw and [message.get("role") for message in self.messages] != ["user"]:
            raise RequestError("a raw request has one message, whose role is user")
        check_texts(self.messages)

    @classmethod
    def from_prompt(cls, prompt: str, *, system: str | None = None, **fields: Any) -> Request:
        """One user message, with an optional system message before it; `fields` as the class's."""
        messages: list[Message] = [{"role": "user", "content": prompt}]
        if system is not None:
            messages.insert(0, {"role": "system", "content": system})
        return cls(messages=tuple(messages), **fields)

    def seed_of(self, index: int) -> int | None:
        """The seed that candidate `index` samples with: ``seed + index``, or None.

        Seeds are integers of 64 bits, which is what OpenAI documents and engines take: the
        smallest comes after the largest.
        """
        return None if self.seed is None else (self.seed + index + 2**63) % 2**64 - 2**63

    @property
    def endpoint(self) -> Endpoint:
        """Which of OpenAI's endpoints asks for it."""
        return "completions" if self.raw else "chat/completions"

    @property
    def last_user_text(self) -> str:
        """The text of the newest user message ('' where there is none); text parts are joined."""
        for message in reversed(self.messages):
            if message.get("role") == "user":
                return message_text(message)
        return ""


@dataclass(frozen=True, slots=True)
class Candidate:
    """One of N, as the engine gave it.

    Args:
        index: its number within the request, from 0; rounds of resampling count on.
        message: OpenAI's assistant message whole (content, reasoning, tool_calls, ...).
        finish_reason: stop, length, tool_calls, repetition, abort, error, ...: the engine's word,
            by its name in `bestofn.core.finish_reason`; None marks an unfinished snapshot.
        completion_tokens: how many tokens were sampled; None where nobody counted.
        group_tokens: where the backend counts only the sum over several candidates, that sum, on
            the first of them, or None where nobody counted; 0 elsewhere.
        prompt_tokens: length of the templated prompt in tokens; None where nobody counted.
        token_ids: ids of the completion, where the engine gives them.
        logprobs: OpenAI's logprobs object, where asked for.
        extra: further fields of the engine's choice that are not None (stop_reason, ...).
        seed: the seed it was sampled with.
        error: why sampling it failed; then it has no usable text.
        retry_after: seconds after which the engine may take it, where `error` says that the engine
            has too much to do.
        vouched: whether `finish_reason` is the word of an engine in this process, and not one that
            a server or a gateway between may have rewritten.
        mean_logprob: mean natural logarithm of the sampled tokens' probabilities, at most 0, where
            the backend gives them; None: unknown.
        token_logprobs: the logarithms themselves, one a token, in order; None: unknown.
        generator: the name of what sampled it, where several generators sample; None: one does.
        details: of its token counts, or of its group's; None: the backend does not tell them.
    """

    index: int
    message: Message
    finish_reason: str | None
    completion_tokens: int | None = None
    group_tokens: int | None = 0
    prompt_tokens: int | None = None
    token_ids: tuple[int, ...] | None = None
    logprobs: Mapping[str, Any] | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)
    seed: int | None = None
    error: str | None = None
    retry_after: float | None = None
    vouched: bool = False
    mean_logprob: float | None = None
    token_logprobs: tuple[float, ...] | None = None
    generator: str | None = None
    details: TokenDetails | None = None

    @classmethod
    def without_answer(
        cls,
        request: Request,
        index: int,
        finish_reason: str,
        error: str | None = None,
        retry_after: float | None = None,
    ) -> Candidate:
        """A candidate that said nothing: it was stopped, or sampling it failed."""
        return cls(
            index,
            {"role": "assistant", "content": None},
            finish_reason,
            seed=request.seed_of(index),
            error=error,
            retry_after=retry_after,
        )

    def with_token_logprobs(self, logprobs: Sequence[float] | None) -> Candidate:
        """The same with these, one a sampled token, and with their mean; none leave it as it is."""
        if not logprobs:
            return self
        mean = math.fsum(logprobs) / len(logprobs)
        return replace(self, mean_logprob=mean, token_logprobs=tuple(logprobs))

    @property
    def text(self) -> str:
        """The answer's text: the message's content, '' where it has none (a pure tool call). What
        refuses to answer says its refusal."""
        return message_text(self.message)

    @property
    def counted_tokens(self) -> int | None:
        """What it adds to the tokens of all candidates; None where nobody counted."""
        return self.group_tokens if self.completion_tokens is None else self.completion_tokens

    @property
    def ended(self) -> bool:
        """Whether the model ended by itself, as against being cut by a limit or a loop stop."""
        return ended_by_itself(self.finish_reason)


@dataclass(frozen=True, slots=True)
class Rejection:
    """Why a filter threw a candidate out.

    Args:
        filter: the filter's name.
        reason: machine-readable, snake_case, stable: counted and documented.
        detail: one sentence that a person understands.
        certain: whether the evidence leaves no doubt; False makes it a suspicion: a candidate with
            nothing but suspicions stands behind every one that has none, and is not thrown out.
        span: characters ``[start, end)`` of the candidate's text that are the evidence; None: it is
            in no one place, or not in the text.
    """

    filter: str
    reason: str
    detail: str
    certain: bool = True
    span: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a candidate could not be judged (a fault, as against a rejection)."""

    reason: str
    detail: str


@dataclass(frozen=True, slots=True)
class Stopped(Failure):
    """Why a candidate was not finished, or not scored: a controller's rule, which `reason` names
    (``deadline``, ``enough``, ...), stopped it; `detail` is a sentence."""


@dataclass(frozen=True, slots=True)
class Score:
    """What a reward model says of one candidate.

    Args:
        reward: the raw reward, higher is better; None exactly where `failure` says why.
        tokens: how many tokens the reward model computed for it (shared prefixes count once).
        failure: why there is no reward, e.g. the text is longer than the model's context.
        components: named parts of the reward, for ensembles and process rewards.
        cut: tokens of the text that the reward model was not shown, because it was too long.
    """

    reward: float | None
    tokens: int = 0
    failure: Failure | None = None
    components: Mapping[str, float] = field(default_factory=dict)
    cut: int = 0

    @classmethod
    def of(
        cls,
        reward: float | None,
        *,
        tokens: int = 0,
        components: Mapping[str, float] | None = None,
        cut: int = 0,
        by: str = "the reward model",
    ) -> Score:
        """A score with this reward, or with the failure ``reward_not_finite`` where it is NaN,
        None or beyond `LARGEST_REWARD`, and orders nothing. The rest is as the class's.

        Args:
            reward: the raw reward.
            by: what returned it, for the failure's sentence.
        """
        if reward is not None and abs(reward) <= LARGEST_REWARD:  # NaN is not
            return cls(reward, tokens, None, components or {}, cut)
        detail = f"{by} returned {reward}, which is not a finite number up to {LARGEST_REWARD:g}"
        return cls(None, tokens, Failure("reward_not_finite", detail), cut=cut)
