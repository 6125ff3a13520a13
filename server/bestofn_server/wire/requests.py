"""Request bodies: OpenAI's two completion requests, with bestofn's own object. All is bounded:
here, or where no field names it by `bestofn_server.wire.bounds`."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from bestofn.control.policy import OnExhausted
from bestofn.settings.sections import (
    MOST_GROWTH,
    AnswerKeySpec,
    FilterSpecs,
    SelectorSpec,
    with_selector,
)
from bestofn.settings.stopping import StopSettings
from bestofn.support.contradiction import contradiction
from bestofn_server.wire import bounds
from bestofn_server.wire.bounds import Json, Name, Text
from bestofn_server.wire.messages import Message
from bestofn_server.wire.numbers import OptionalInteger, whole_numbers

_T = TypeVar("_T")
_Some = Annotated[list[_T], Field(min_length=1, max_length=bounds.MAX_PROMPTS)]


TokenIds = Annotated[
    list[Annotated[int, Field(ge=bounds.SMALLEST, le=bounds.LARGEST)]],
    BeforeValidator(whole_numbers),
    Field(min_length=1, max_length=bounds.MAX_TOKEN_IDS),
]
"""A text in tokens."""


class BestOfNOptions(BaseModel):
    """Per-request control; what is not given is as the server or the profile has it."""

    model_config = ConfigDict(extra="forbid", strict=True)

    filters: Annotated[FilterSpecs, Field(max_length=bounds.MAX_FILTERS)] | None = Field(
        default=None,
        description='names, or {"name": {"option": value}}; these instead of the server\'s',
    )
    selector: SelectorSpec | None = Field(
        default=None,
        description='which candidate wins: a name, or {"name": {"option": value}}',
    )
    answer_key: AnswerKeySpec | None = Field(
        default=None,
        description="what of an answer is voted on, in the same form",
    )
    stop: StopSettings | None = Field(
        default=None, description="when sampling ends early: a rule's name, or with its options"
    )
    on_exhausted: OnExhausted | None = Field(
        default=None, description="what happens when no candidate is acceptable"
    )
    max_rounds: OptionalInteger = Field(
        default=None, ge=1, le=8, description="rounds of sampling in all, for `resample`"
    )
    grow: float | None = Field(
        default=None,
        ge=1,
        le=MOST_GROWTH,
        description="for `resample`: where candidates were cut at max_tokens the next round gets "
        "so many times as many, up to the model's context and the server's limits; admission "
        "counts the request with what its last round may have",
    )
    deadline_ms: OptionalInteger = Field(
        default=None,
        ge=1,
        le=bounds.MAX_MILLISECONDS,
        description="sampling stops then, and the best of what has finished and passed is returned",
    )
    reference: Json = Field(
        default=None, description="what a verifier, or a judge told to, compares answers with"
    )
    return_candidates: Literal["none", "summary", "full"] = Field(
        default="none",
        description="list every candidate: with reward, rank and rejections, or with its text too",
    )

    _earlier_name = model_validator(mode="before")(with_selector)


class StreamOptions(BaseModel):
    """What a stream says besides."""

    model_config = ConfigDict(extra="forbid", strict=True)

    include_usage: bool | None = None
    include_obfuscation: bool | None = Field(
        default=None, description="taken as OpenAI documents it; nothing is obfuscated here"
    )
    continuous_usage_stats: bool | None = Field(
        default=None,
        description="vLLM's: with include_usage, every chunk has the usage; of several candidates "
        "it is known before the first",
    )


class _Completion(BaseModel):
    """What the two requests share. Every other field goes to the engine as it is."""

    model_config = ConfigDict(extra="allow", strict=True)
    __pydantic_extra__: dict[str, Json] = Field(  # pyright: ignore[reportIncompatibleVariableOverride]
        init=False
    )

    model: Name | None = Field(default=None, description="a model's or a profile's name")
    best_of: OptionalInteger = Field(
        default=None, ge=1, le=bounds.MAX_CANDIDATES, description="how many are sampled"
    )
    n: OptionalInteger = Field(
        default=None,
        ge=1,
        le=bounds.MAX_CANDIDATES,
        description="how many of the best are returned",
    )
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    temperature: float | None = Field(default=None, ge=0, le=2)
    max_tokens: OptionalInteger = Field(
        default=None,
        ge=0,
        le=2**31,
        description="per candidate; 0 where the prompt alone is measured, which takes an engine "
        "with an API of its own",
    )
    seed: OptionalInteger = Field(
        default=None,
        ge=bounds.SMALLEST,
        le=bounds.LARGEST,
        description="candidate i samples with seed + i; the smallest comes after the largest",
    )
    bestofn: BestOfNOptions | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.stream_options is not None and not self.stream:
            raise contradiction("stream_options", "stream_options is given, and stream is not true")
        if self.n is not None and self.best_of is not None and self.n > self.best_of:
            raise contradiction("n", f"n is {self.n}, which is more than best_of ({self.best_of})")
        return self

    @property
    def further(self) -> dict[str, Any]:
        """The fields that are the engine's, as they came."""
        return dict(self.model_extra or {})

    @property
    def token_limit(self) -> int | None:
        """Tokens per candidate, as far as the request limits them."""
        return self.max_tokens

    @property
    def token_limit_name(self) -> str:
        """The field that limits them."""
        return "max_tokens"


class ChatRequest(_Completion):
    """OpenAI's chat completion request."""

    messages: list[Message] = Field(min_length=1, max_length=bounds.MAX_ITEMS)
    max_completion_tokens: OptionalInteger = Field(
        default=None, ge=1, le=2**31, description="per candidate; the newer name of max_tokens"
    )

    @model_validator(mode="after")
    def _one_limit(self) -> Self:
        limits = {self.max_tokens, self.max_completion_tokens} - {None}
        if len(limits) > 1:
            raise contradiction(
                "max_tokens", "max_tokens and max_completion_tokens say different things"
            )
        return self

    @property
    def token_limit(self) -> int | None:
        """Tokens per candidate, as far as the request limits them."""
        newer = self.max_completion_tokens
        return self.max_tokens if newer is None else newer

    @property
    def token_limit_name(self) -> str:
        """The field that limits them."""
        return "max_tokens" if self.max_completion_tokens is None else "max_completion_tokens"


class CompletionRequest(_Completion):
    """OpenAI's (legacy) completion request: a text that is continued as it is."""

    prompt: Text | _Some[Text] | TokenIds | _Some[TokenIds] = Field(
        description="a text or several; token ids only where the engine takes them: one answers"
    )

    @property
    def texts(self) -> list[str] | None:
        """The prompts; None where they are token ids."""
        if isinstance(self.prompt, str):
            return [self.prompt]
        texts = [each for each in self.prompt if isinstance(each, str)]
        return texts if texts and len(texts) == len(self.prompt) else None

    @property
    def prompt_count(self) -> int:
        """How many prompts there are, as texts or as token ids."""
        several = isinstance(self.prompt, list) and not isinstance(self.prompt[0], int)
        return len(self.prompt) if several else 1
