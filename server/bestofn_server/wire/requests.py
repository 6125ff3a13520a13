"""Request bodies: OpenAI's two completion requests, with bestofn's own object."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, model_validator

from bestofn.control.policy import OnExhausted
from bestofn.settings.sections import AnswerKeySpec, FilterSpecs, SelectorSpec, with_selector
from bestofn.settings.stopping import StopSettings
from bestofn_server.wire.numbers import Integer, OptionalInteger

_T = TypeVar("_T")
_Some = Annotated[list[_T], Field(min_length=1)]


class BestOfNOptions(BaseModel):
    """Per-request control; what is not given is as the server or the profile has it."""

    model_config = ConfigDict(extra="forbid", strict=True)

    filters: FilterSpecs | None = Field(
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
    deadline_ms: OptionalInteger = Field(
        default=None,
        ge=1,
        description="sampling stops then, and the best of what has finished and passed is returned",
    )
    reference: Any = Field(
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


class _Completion(BaseModel):
    """What the two requests share. Every other field goes to the engine as it is."""

    model_config = ConfigDict(extra="allow", strict=True)

    model: str | None = Field(default=None, description="a model's or a profile's name")
    best_of: OptionalInteger = Field(default=None, ge=1, description="how many are sampled")
    n: OptionalInteger = Field(default=None, ge=1, description="how many of the best are returned")
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    temperature: float | None = Field(default=None, ge=0, le=2)
    max_tokens: OptionalInteger = Field(default=None, ge=1, le=2**31, description="per candidate")
    seed: OptionalInteger = Field(
        default=None, ge=-(2**62), le=2**62, description="candidate i samples with seed + i"
    )
    bestofn: BestOfNOptions | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.stream_options is not None and not self.stream:
            raise ValueError("stream_options is given, and stream is not true")
        if self.n is not None and self.best_of is not None and self.n > self.best_of:
            raise ValueError(f"n is {self.n}, which is more than best_of ({self.best_of})")
        return self

    @property
    def further(self) -> dict[str, Any]:
        """The fields that are the engine's, as they came."""
        return dict(self.model_extra or {})

    @property
    def token_limit(self) -> int | None:
        """Tokens per candidate, as far as the request limits them."""
        return self.max_tokens


class ChatRequest(_Completion):
    """OpenAI's chat completion request."""

    messages: list[dict[str, Any]] = Field(min_length=1)
    max_completion_tokens: OptionalInteger = Field(
        default=None, ge=1, le=2**31, description="per candidate; the newer name of max_tokens"
    )

    @model_validator(mode="after")
    def _one_limit(self) -> Self:
        limits = {self.max_tokens, self.max_completion_tokens} - {None}
        if len(limits) > 1:
            raise ValueError("max_tokens and max_completion_tokens say different things")
        return self

    @property
    def token_limit(self) -> int | None:
        """Tokens per candidate, as far as the request limits them."""
        return self.max_completion_tokens or self.max_tokens


class CompletionRequest(_Completion):
    """OpenAI's (legacy) completion request: a text that is continued as it is."""

    prompt: str | _Some[str] | _Some[Integer] | _Some[_Some[Integer]] = Field(
        description="a text or several; token ids only with best_of 1, where the engine takes them"
    )

    @property
    def texts(self) -> list[str] | None:
        """The prompts; None where they are token ids."""
        if isinstance(self.prompt, str):
            return [self.prompt]
        texts = [each for each in self.prompt if isinstance(each, str)]
        return texts if texts and len(texts) == len(self.prompt) else None
