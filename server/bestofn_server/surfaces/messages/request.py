"""The bodies of POST /v1/messages and of its count_tokens, and the chat completion request that
they come to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from anthropic.types import MetadataParam, ToolParam
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from bestofn_server.surfaces.messages.blocks import messages_of
from bestofn_server.surfaces.reading import refusal
from bestofn_server.surfaces.translated import RefusedHere, no_effect, not_run, translated
from bestofn_server.wire import bounds
from bestofn_server.wire.bounds import Json, Name, Object, Text
from bestofn_server.wire.numbers import OptionalInteger, whole
from bestofn_server.wire.requests import BestOfNOptions, ChatRequest

IGNORED: Mapping[str, Any] = {
    **dict.fromkeys(("cache_control", "context_management", "diagnostics"), Object),
    **dict.fromkeys(("inference_geo", "service_tier", "speed"), Name),
    **dict.fromkeys(("user_profile_id", "workspace_id"), Name),
    "metadata": MetadataParam,
}
"""Documented, and without an effect on an answer here, with their types; told in the notes. Values
that a newer client may have are not held to a list."""

ELSEWHERE = {
    "max_completion_tokens": "max_tokens",
    "stop": "stop_sequences",
    "functions": "tools",
    "function_call": "tool_choice",
    "response_format": "output_config.format",
    "reasoning_effort": "output_config.effort",
    "stream_options": "stream",
    "parallel_tool_calls": "tool_choice.disable_parallel_tool_use",
}
"""Fields of chat completions, and where the Messages API has them."""

EFFORTS = ((1024, "low"), (2048, "medium"))
"""Effort by the tokens of a budget for thinking, up to each; above them it is high. Engines know
OpenAI's effort, few a budget; the steps are LiteLLM's (`DEFAULT_REASONING_EFFORT_*`)."""


class OutputFormat(BaseModel):
    """JSON of this schema."""

    model_config = ConfigDict(extra="forbid", strict=True)

    type: Literal["json_schema"]
    schema_: Object = Field(alias="schema")


class OutputConfig(BaseModel):
    """What the answer has to be, and with how much effort."""

    model_config = ConfigDict(extra="forbid", strict=True)

    format: OutputFormat | None = None
    effort: Name | None = None


class Thinking(BaseModel):
    """Whether the model thinks, and how much."""

    model_config = ConfigDict(extra="forbid", strict=True)

    type: Literal["enabled", "disabled", "adaptive", "between_tools"]
    budget_tokens: OptionalInteger = Field(default=None, ge=1, le=2**31)
    display: Name | None = None


class ToolChoice(BaseModel):
    """Which tool is used."""

    model_config = ConfigDict(extra="forbid", strict=True)

    type: Literal["auto", "any", "tool", "none"]
    name: Name | None = None
    disable_parallel_tool_use: bool | None = None


class CountTokensRequest(BaseModel):
    """Anthropic's request for the length of a conversation. What no field here names goes to the
    engine as it is."""

    model_config = ConfigDict(extra="allow", strict=True)
    __pydantic_extra__: dict[str, Json] = Field(  # pyright: ignore[reportIncompatibleVariableOverride]
        init=False
    )

    model: Name | None = Field(default=None, description="a model's or a profile's name")
    messages: list[Object] = Field(
        min_length=1,
        max_length=bounds.MAX_ITEMS,
        description="turns of text or blocks: text, image, document, tool_use, tool_result, "
        "thinking; the last is not the assistant's",
    )
    system: Text | Annotated[list[Object], Field(max_length=bounds.MAX_ITEMS)] | None = None
    tools: list[Object] | None = Field(default=None, max_length=bounds.MAX_ITEMS)
    tool_choice: ToolChoice | None = None
    thinking: Thinking | None = None
    output_config: OutputConfig | None = None
    output_format: OutputFormat | None = Field(
        default=None, description="the name that output_config.format had in Anthropic's betas"
    )


class MessagesRequest(CountTokensRequest):
    """Anthropic's request for a message."""

    max_tokens: Annotated[int, BeforeValidator(whole)] = Field(
        ge=1, le=2**31, description="per candidate"
    )
    best_of: OptionalInteger = Field(
        default=None, ge=1, le=bounds.MAX_CANDIDATES, description="how many are sampled"
    )
    bestofn: BestOfNOptions | None = None
    stop_sequences: list[Text] | None = Field(default=None, max_length=bounds.MAX_ITEMS)
    stream: bool | None = None
    temperature: float | None = Field(default=None, ge=0, le=2)
    top_p: float | None = Field(default=None, ge=0, le=1)
    top_k: OptionalInteger = Field(default=None, ge=-1, le=bounds.LARGEST)
    seed: OptionalInteger = Field(
        default=None,
        ge=bounds.SMALLEST,
        le=bounds.LARGEST,
        description="candidate i samples with seed + i, as in chat completions",
    )
    container: Annotated[
        Name | Object | None, AfterValidator(RefusedHere("this server runs no containers"))
    ] = None
    mcp_servers: Annotated[
        list[Object] | None,
        Field(max_length=bounds.MAX_ITEMS),
        AfterValidator(RefusedHere("this server connects to no MCP servers")),
    ] = None


def chat_request(body: CountTokensRequest) -> tuple[ChatRequest, list[str]]:
    """The chat completion request of `body`, and what had no effect, in sentences.

    Raises:
        InvalidBodyError: a block or a tool is none that is taken.
    """
    notes: list[str] = []
    fields: dict[str, Any] = {
        "model": body.model,
        "messages": messages_of(body.system, body.messages, notes),
        "reasoning_effort": _effort(body),
        **_tools(body, notes),
    }
    if (asked := _format(body)) is not None:
        schema = {"name": "answer", "schema": asked.schema_, "strict": True}
        fields["response_format"] = {"type": "json_schema", "json_schema": schema}
    if body.thinking is not None and body.thinking.display is not None:
        notes.append("thinking.display: thoughts come whole, or not at all")
    stream = False
    if isinstance(body, MessagesRequest):
        stream = bool(body.stream)
        fields |= {
            "best_of": body.best_of,
            "bestofn": body.bestofn,
            "max_completion_tokens": body.max_tokens,
            "temperature": body.temperature,
            "top_p": body.top_p,
            "top_k": body.top_k,
            "seed": body.seed,
            "stop": body.stop_sequences or None,
        }
    chat = translated(fields, body.model_extra or {}, ELSEWHERE, IGNORED, notes, stream=stream)
    return chat, notes


def _format(body: CountTokensRequest) -> OutputFormat | None:
    """What the answer has to be, by either of its names."""
    asked = None if body.output_config is None else body.output_config.format
    if asked is not None and body.output_format not in (None, asked):
        raise refusal("output_format", "output_config.format says something else")
    return asked or body.output_format


def _effort(body: CountTokensRequest) -> str | None:
    """OpenAI's `reasoning_effort`; the effort that is said goes before a budget."""
    if body.output_config is not None and body.output_config.effort is not None:
        return body.output_config.effort
    if body.thinking is None or body.thinking.type in ("adaptive", "between_tools"):
        return None
    if body.thinking.type == "disabled":
        return "none"
    budget = body.thinking.budget_tokens
    if budget is None:
        raise refusal("thinking.budget_tokens", "it has to be there where thinking is enabled")
    return next((effort for most, effort in EFFORTS if budget <= most), "high")


def _tools(body: CountTokensRequest, notes: list[str]) -> dict[str, Any]:
    """The tools, and which of them is used, as chat completions have both."""
    functions: list[dict[str, Any]] = []
    names: set[str] = set()
    for at, tool in enumerate(body.tools or ()):
        if tool.get("type") not in (None, "custom"):
            notes.append(not_run(f"tools.{at}", tool["type"]))
            continue
        function = _function(tool, f"tools.{at}")
        notes += [no_effect(f"tools.{at}.{name}") for name in tool if name not in _OF_A_TOOL]
        names.add(function["name"])
        functions.append({"type": "function", "function": function})
    choice = body.tool_choice
    if choice is not None and choice.type == "tool" and choice.name not in names:
        raise refusal("tool_choice.name", "there is no tool of this name in tools")
    if not functions:
        if choice is not None and choice.type == "any":
            raise refusal("tool_choice", "there are no tools to choose from")
        return {}
    fields: dict[str, Any] = {"tools": functions}
    if choice is not None:
        fields["tool_choice"] = {
            "auto": "auto",
            "any": "required",
            "none": "none",
            "tool": {"type": "function", "function": {"name": choice.name}},
        }[choice.type]
        if choice.disable_parallel_tool_use is not None:
            fields["parallel_tool_calls"] = not choice.disable_parallel_tool_use
    return fields


_OF_A_TOOL = frozenset({"type", "name", "description", "input_schema", "strict", "cache_control"})
"""Fields of a tool that are read; `cache_control` asks for nothing but speed, and clients put it on
every tool."""


def _function(tool: dict[str, Any], path: str) -> dict[str, Any]:
    """A tool as a function; see `anthropic.types.ToolParam`."""
    given: ToolParam = tool  # type: ignore[assignment]
    if not isinstance(given.get("name"), str):
        raise refusal(f"{path}.name", "it has to be a text")
    if not isinstance(given.get("input_schema"), dict):
        raise refusal(f"{path}.input_schema", "it has to be a JSON schema")
    function = {
        "name": given["name"],
        "description": given.get("description"),
        "parameters": given["input_schema"],
        "strict": given.get("strict"),
    }
    return {name: value for name, value in function.items() if value is not None}
