"""Owns what bestofn reads in an upstream's answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bestofn.errors import GeneratorError
from bestofn.generators.bodies import OWN_FIELDS
from bestofn.types import Candidate, Request


class Choice(BaseModel):
    """One choice of a completion, as far as bestofn reads it; other fields are kept."""

    model_config = ConfigDict(extra="allow")
    message: dict[str, Any] | None = None
    text: str | None = None
    finish_reason: str
    logprobs: dict[str, Any] | None = None
    token_ids: list[int] | None = None


class Usage(BaseModel):
    """What the upstream counted; the completion tokens of all choices are one sum."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None


class Completion(BaseModel):
    """An upstream's answer."""

    choices: list[Choice] = Field(min_length=1)
    usage: Usage = Usage()


def read_completion(content: bytes) -> Completion:
    """The answer in the body of a response.

    Raises:
        GeneratorError: it is something else.
    """
    try:
        completion = Completion.model_validate_json(content)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"])) or "body"
        raise GeneratorError(
            f"the upstream's answer is no completion: {where}: {first['msg']}"
        ) from error
    if any(choice.message is None and choice.text is None for choice in completion.choices):
        raise GeneratorError("the upstream's answer is no completion: a choice without a message")
    return completion


def candidate_of(completion: Completion, place: int, request: Request, index: int) -> Candidate:
    """The choice at `place` as candidate `index` of `request`."""
    choice, usage = completion.choices[place], completion.usage
    tokens, group_tokens = _tokens(choice), 0
    if tokens is None and len(completion.choices) == 1:
        tokens = usage.completion_tokens
    elif tokens is None and place == 0:
        group_tokens = usage.completion_tokens or 0
    return Candidate(
        index=index,
        message=_message(choice),
        finish_reason=choice.finish_reason,
        completion_tokens=tokens,
        group_tokens=group_tokens,
        prompt_tokens=usage.prompt_tokens,
        token_ids=None if choice.token_ids is None else tuple(choice.token_ids),
        logprobs=choice.logprobs,
        extra={
            name: value
            for name, value in (choice.model_extra or {}).items()
            if value is not None and name not in OWN_FIELDS
        },
        seed=request.seed_of(index),
    )


def _message(choice: Choice) -> Mapping[str, Any]:
    """The assistant message; what a completion of raw text holds becomes its content."""
    if choice.message is None:
        return {"role": "assistant", "content": choice.text}
    return {"content": None, **{k: v for k, v in choice.message.items() if v is not None}}


def _tokens(choice: Choice) -> int | None:
    """How many tokens a choice has, where it says so itself."""
    if choice.token_ids is not None:
        return len(choice.token_ids)
    content = (choice.logprobs or {}).get("content")
    return len(content) if content else None
