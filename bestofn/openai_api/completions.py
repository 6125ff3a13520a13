"""A completion of OpenAI's API, as far as bestofn reads it: usage, and choices one by one.

A choice that cannot be read is a choice with an error, so that it costs its own candidate alone.
What a server counts that is no sensible number is unknown.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bestofn.core.finish_reason import known_as
from bestofn.core.no_winner import GeneratorError
from bestofn.core.token_details import TokenDetails
from bestofn.openai_api.logprobs import readable
from bestofn.openai_api.message import assistant_message
from bestofn.support.plain_json import check_depth, parsed

OWN_FIELDS = frozenset(
    {"index", "message", "text", "finish_reason", "logprobs", "token_ids", "prompt_token_ids"}
)
"""Fields of a choice that are not in `Choice.extra`: it has them, or they are the prompt's."""

MOST_CHOICES = 1024
"""In one answer; OpenAI's API gives 128 at most."""

MOST_TOKENS = 2**31 - 1
"""Of one answer, and of one prompt: what the records of a run hold, and no model reads as many."""


MOST_KINDS = 32
"""Of details of a count; OpenAI's API has 4."""


class NoChoicesError(GeneratorError):
    """An answer of success that holds no choice."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One choice of a completion.

    Args:
        message: the assistant message; what a completion of raw text holds is its content.
        finish_reason: see `bestofn.core.finish_reason`.
        logprobs: OpenAI's logprobs object; None: not given.
        token_ids: vLLM's; None: not given.
        extra: its other fields that are not null.
        error: why it cannot be read, or what the server says went wrong; then it has no message.
    """

    message: Mapping[str, Any] = field(default_factory=dict)
    finish_reason: str = "error"
    logprobs: Mapping[str, Any] | None = None
    token_ids: tuple[int, ...] | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Usage:
    """What the server counted, None where it did not; the completion tokens of all choices are one
    sum, and so are their details."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    details: TokenDetails | None = None


@dataclass(frozen=True, slots=True)
class Completion:
    """A server's answer: at least one choice."""

    choices: tuple[Choice, ...]
    usage: Usage = field(default_factory=Usage)


def read_completion(content: bytes, who: str = "the upstream") -> Completion:
    """The answer in the body of a response.

    Args:
        content: the body.
        who: what the server is called in errors.

    Raises:
        GeneratorError: it is something else.
    """
    return completion_of(read_object(content, who), who)


def read_object(content: bytes, who: str) -> dict[str, Any]:
    """The JSON object of a body that should be a completion.

    Raises:
        GeneratorError: it is none.
    """
    try:
        body = parsed(content)
    except ValueError as error:
        said = str(error) if str(error).startswith("it ") else "it is no JSON"
        raise GeneratorError(f"{who}'s answer is no completion: {said}") from error
    if not isinstance(body, dict):
        raise GeneratorError(f"{who}'s answer is no completion: it is no object")
    choices = body.get("choices")
    if not isinstance(choices, list) or not choices:
        raise NoChoicesError(f"{who}'s answer is no completion: choices are none")
    if len(choices) > MOST_CHOICES:
        raise GeneratorError(f"{who}'s answer is no completion: {len(choices):,} choices")
    return body


def completion_of(body: Mapping[str, Any], who: str = "the engine") -> Completion:
    """The same of an object that has choices."""
    return Completion(
        tuple(_read_choice(choice, who) for choice in body["choices"]),
        read_usage(body.get("usage")),
    )


def read_usage(given: Any) -> Usage:
    """What is counted in a usage object, as far as it is a sensible number."""
    if not isinstance(given, Mapping):
        return Usage()
    parts = [given.get(f"{name}_tokens_details") for name in ("prompt", "completion")]
    told = any(isinstance(part, Mapping) for part in parts)
    return Usage(
        token_count(given.get("prompt_tokens")),
        token_count(given.get("completion_tokens")),
        TokenDetails(*map(_counts, parts)) if told else None,
    )


def _counts(given: Any) -> dict[str, int]:
    """The counts of an object, without what is none."""
    if not isinstance(given, Mapping):
        return {}
    counts = ((str(kind)[:64], token_count(value)) for kind, value in [*given.items()][:MOST_KINDS])
    return {kind: count for kind, count in counts if count is not None}


def _read_choice(choice: Any, who: str) -> Choice:
    try:
        return _choice(choice, who)
    except ValueError as error:
        return Choice(error=f"{who}'s answer cannot be read: {error}")


def _choice(choice: Any, who: str) -> Choice:
    if not isinstance(choice, Mapping):
        raise ValueError("a choice is no object")
    if choice.get("error"):
        return Choice(error=f"{who} reports an error instead of an answer")
    check_depth(choice)
    message, text = choice.get("message"), choice.get("text")
    if isinstance(message, Mapping):
        message = assistant_message(message)
    elif isinstance(text, str):
        message = {"role": "assistant", "content": text}
    else:
        raise ValueError("a choice has neither a message nor a text")
    finish_reason = known_as(choice.get("finish_reason"))
    if finish_reason == "error":
        return Choice(error=f"{who} reports an error instead of an answer")
    logprobs, ids = choice.get("logprobs"), choice.get("token_ids")
    whole = isinstance(ids, list) and all(type(each) is int for each in ids)
    return Choice(
        message,
        finish_reason,
        readable(logprobs),
        tuple(ids) if whole and ids is not None else None,
        {k: v for k, v in choice.items() if v is not None and k not in OWN_FIELDS},
    )


def token_count(number: Any) -> int | None:
    """A number of tokens that somebody counted; None where it is no sensible one."""
    if isinstance(number, float) and number.is_integer():
        number = int(number)
    if isinstance(number, bool) or not isinstance(number, int):
        return None
    return number if 0 <= number <= MOST_TOKENS else None
