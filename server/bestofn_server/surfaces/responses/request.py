"""The bodies of POST /v1/responses and of its input_tokens, and the chat completion request that
each comes to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from openai.types import ReasoningEffort
from openai.types.responses import ResponseIncludable
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from bestofn.support.tool_choice import forces
from bestofn_server.surfaces.responses.items import messages_of
from bestofn_server.surfaces.responses.tools import Tools
from bestofn_server.surfaces.translated import RefusedHere, no_effect, translated
from bestofn_server.wire import bounds
from bestofn_server.wire.bounds import Json, Name, Object, Text
from bestofn_server.wire.numbers import OptionalInteger
from bestofn_server.wire.requests import BestOfNOptions, ChatRequest, StreamOptions

IGNORED: Mapping[str, Any] = {
    **dict.fromkeys(("access_programs", "background_options", "image"), Object),
    **dict.fromkeys(("client_metadata", "prompt_cache_options"), Object),
    "context_management": list[Object],
    "max_tool_calls": OptionalInteger,
    "personality": Name,
}
"""Documented (`client_metadata`: sent by codex), and without an effect here, with their types; told
in the notes."""

WITHOUT_EFFECT = {
    "store": (True, "this server keeps no responses"),
    "truncation": ("auto", "nothing of a conversation is dropped here"),
}
"""Fields that are taken, the value that cannot be honoured, and what the notes say of it."""

SAMPLING = {
    "max_output_tokens": "max_completion_tokens",
    "temperature": "temperature",
    "top_p": "top_p",
    "seed": "seed",
    "user": "user",
    "safety_identifier": "safety_identifier",
    "prompt_cache_key": "prompt_cache_key",
    "prompt_cache_retention": "prompt_cache_retention",
    "service_tier": "service_tier",
}
"""Fields that chat completions have too, and their names there."""

ELSEWHERE = {
    "max_tokens": "max_output_tokens",
    "max_completion_tokens": "max_output_tokens",
    "messages": "input",
    "functions": "tools",
    "function_call": "tool_choice",
    "response_format": "text.format",
    "reasoning_effort": "reasoning.effort",
    "verbosity": "text.verbosity",
    "logprobs": "include",
}
"""Fields of chat completions, and where the Responses API has them."""

_LOGPROBS = "message.output_text.logprobs"

_KEPT = (_LOGPROBS, "reasoning.encrypted_content")
"""What may be included: the second is what a server without state has in its answers anyway."""

_NO_STATE = RefusedHere("this server keeps no responses: send the whole conversation as input")


class TextFormat(BaseModel):
    """What the answer's text has to be: free, any JSON object, or JSON of a schema."""

    model_config = ConfigDict(extra="forbid", strict=True)

    type: Literal["text", "json_object", "json_schema"] = "text"
    name: Name | None = None
    schema_: Object | None = Field(default=None, alias="schema")
    strict: bool | None = None
    description: Text | None = None

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.type == "json_schema" and (self.name is None or self.schema_ is None):
            raise ValueError("a format of the type json_schema needs a name and a schema")
        return self


class TextConfig(BaseModel):
    """How the answer's text is made."""

    model_config = ConfigDict(extra="forbid", strict=True)

    format: TextFormat | None = None
    verbosity: Literal["low", "medium", "high"] | None = None


class Reasoning(BaseModel):
    """How much the model thinks; summaries are not made here."""

    model_config = ConfigDict(extra="allow", strict=True)
    __pydantic_extra__: dict[str, Json] = Field(  # pyright: ignore[reportIncompatibleVariableOverride]
        init=False
    )

    effort: ReasoningEffort | None = None
    summary: Name | None = None


class InputTokensRequest(BaseModel):
    """What a model reads of a request for a response: OpenAI's request to count its tokens."""

    model_config = ConfigDict(extra="allow", strict=True)
    __pydantic_extra__: dict[str, Json] = Field(  # pyright: ignore[reportIncompatibleVariableOverride]
        init=False
    )

    model: Name | None = Field(default=None, description="a model's or a profile's name")
    input: Text | Annotated[list[Object], Field(min_length=1, max_length=bounds.MAX_ITEMS)] = Field(
        description="a text, or items: message, function_call, function_call_output, "
        "custom_tool_call, custom_tool_call_output, reasoning"
    )
    instructions: Text | None = None
    text: TextConfig | None = None
    reasoning: Reasoning | None = None
    tools: list[Object] | None = Field(default=None, max_length=bounds.MAX_ITEMS)
    tool_choice: Literal["auto", "none", "required"] | Object | None = None
    parallel_tool_calls: bool | None = None
    truncation: Literal["auto", "disabled"] | None = None
    previous_response_id: Annotated[Name | None, AfterValidator(_NO_STATE)] = None
    conversation: Annotated[Name | Object | None, AfterValidator(_NO_STATE)] = None


class ResponsesRequest(InputTokensRequest):
    """OpenAI's request for a response. What no field here names goes to the engine as it is."""

    best_of: OptionalInteger = Field(
        default=None, ge=1, le=bounds.MAX_CANDIDATES, description="how many are sampled"
    )
    bestofn: BestOfNOptions | None = None
    max_output_tokens: OptionalInteger = Field(
        default=None, ge=1, le=2**31, description="per candidate"
    )
    temperature: float | None = Field(default=None, ge=0, le=2)
    top_p: float | None = Field(default=None, ge=0, le=1)
    top_logprobs: OptionalInteger = Field(default=None, ge=0, le=20)
    seed: OptionalInteger = Field(
        default=None,
        ge=bounds.SMALLEST,
        le=bounds.LARGEST,
        description="candidate i samples with seed + i, as in chat completions",
    )
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    include: list[ResponseIncludable] | None = Field(default=None, max_length=bounds.MAX_ITEMS)
    metadata: Annotated[dict[Name, Text], Field(max_length=bounds.MAX_ITEMS)] | None = Field(
        default=None, description="comes back in the answer"
    )
    store: bool | None = Field(default=None, description="nothing is stored: the answer says false")
    service_tier: Name | None = None
    user: Text | None = None
    safety_identifier: Text | None = None
    prompt_cache_key: Text | None = None
    prompt_cache_retention: Name | None = None
    background: Annotated[
        bool | None, AfterValidator(RefusedHere("this server keeps no responses to ask for later"))
    ] = None
    prompt: Annotated[
        Object | None,
        AfterValidator(RefusedHere("this server keeps no prompts: send instructions and input")),
    ] = None
    moderation: Annotated[
        Object | None, AfterValidator(RefusedHere("this server moderates nothing"))
    ] = None

    @property
    def with_logprobs(self) -> bool:
        """Whether the client wants the log-probabilities of the tokens."""
        return bool(self.top_logprobs) or _LOGPROBS in (self.include or ())


def chat_request(body: InputTokensRequest) -> tuple[ChatRequest, Tools, list[str]]:
    """The chat completion request of `body`, its tools, and what had no effect, in sentences.

    Raises:
        InvalidBodyError: an item, a tool or a format is none that is taken.
    """
    notes: list[str] = []
    tools = Tools.of(body.tools or ())
    choice = tools.choice(body.tool_choice)
    fields: dict[str, Any] = {
        "model": body.model,
        "messages": messages_of(body.instructions, body.input),
        "reasoning_effort": None if body.reasoning is None else body.reasoning.effort,
        "verbosity": None if body.text is None else body.text.verbosity,
        "response_format": _response_format(body.text),
    }
    stream = False
    if isinstance(body, ResponsesRequest):
        fields |= _sampling(body)
        stream = bool(body.stream)
        notes += [no_effect(f"include: {each}") for each in body.include or () if each not in _KEPT]
    if tools.functions or forces(choice):  # a call that nothing can answer is refused there
        fields["tools"] = tools.functions
        fields["tool_choice"] = choice
        fields["parallel_tool_calls"] = body.parallel_tool_calls
    for name, (value, why) in WITHOUT_EFFECT.items():
        if getattr(body, name, None) == value:
            notes.append(f"{name}: {why}")
    if body.reasoning is not None:
        if body.reasoning.summary is not None:
            notes.append("reasoning.summary: thoughts come whole, or not at all")
        notes += [no_effect(f"reasoning.{name}") for name in body.reasoning.model_extra or ()]
    chat = translated(fields, body.model_extra or {}, ELSEWHERE, IGNORED, notes, stream=stream)
    return chat, tools, [*tools.notes, *notes]


def _sampling(body: ResponsesRequest) -> dict[str, Any]:
    """How an answer is sampled, in the names of chat completions."""
    fields: dict[str, Any] = {"best_of": body.best_of, "bestofn": body.bestofn}
    fields |= {name: getattr(body, own) for own, name in SAMPLING.items()}
    if body.with_logprobs:
        fields["logprobs"] = True
        fields["top_logprobs"] = body.top_logprobs or 0
    return fields


def _response_format(text: TextConfig | None) -> dict[str, Any] | None:
    """OpenAI's `response_format` of chat completions."""
    asked = None if text is None else text.format
    if asked is None or asked.type == "text":
        return None
    if asked.type == "json_object":
        return {"type": "json_object"}
    schema = {
        "name": asked.name,
        "schema": asked.schema_,
        "strict": asked.strict,
        "description": asked.description,
    }
    return {
        "type": "json_schema",
        "json_schema": {name: value for name, value in schema.items() if value is not None},
    }
