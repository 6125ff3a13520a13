"""A completion of OpenAI's API, as far as bestofn reads it: choices and usage, checked once."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bestofn.core.no_winner import GeneratorError
from bestofn.support.error_text import faults


class Choice(BaseModel):
    """One choice of a completion, as far as bestofn reads it; other fields are kept."""

    model_config = ConfigDict(extra="allow")
    message: dict[str, Any] | None = None
    text: str | None = None
    finish_reason: str
    logprobs: dict[str, Any] | None = None
    token_ids: list[int] | None = None


class Usage(BaseModel):
    """What the server counted; the completion tokens of all choices are one sum."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None


class Completion(BaseModel):
    """A server's answer."""

    choices: list[Choice] = Field(min_length=1)
    usage: Usage = Usage()


def read_completion(content: bytes, who: str = "the upstream") -> Completion:
    """The answer in the body of a response.

    Args:
        content: the body.
        who: what the server is called in errors.

    Raises:
        GeneratorError: it is something else.
    """
    try:
        completion = Completion.model_validate_json(content)
    except ValidationError as error:
        raise GeneratorError(f"{who}'s answer is no completion: {faults(error)[0]}") from error
    if any(choice.message is None and choice.text is None for choice in completion.choices):
        raise GeneratorError(f"{who}'s answer is no completion: a choice without a message")
    return completion
