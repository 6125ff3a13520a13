"""Whether a request is one that an engine in this process can read, before anything is decoded."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field, ValidationError

from bestofn.core.errors import RequestError
from bestofn.core.types import Request
from bestofn.support.error_text import faults

_HOW = (
    *("conversation", "chat_template", "tools", "add_generation_prompt", "tokenize", "padding"),
    *("truncation", "max_length", "return_tensors", "return_dict", "return_assistant_tokens_mask"),
    *("tokenizer_kwargs", "continue_final_message", "messages"),
)
"""What transformers' `apply_chat_template` takes or sets by itself: no setting of a template."""


class SamplingOptions(BaseModel):
    """Options as OpenAI and vLLM document them; a number may be written as a text, as vLLM has it.

    Args:
        top_p: the mass of the tokens that are drawn from, 0 to 1.
        top_k: how many they are; 0 and -1: all.
        tools: as the chat template gets them.
        chat_template_kwargs: what it gets besides.
    """

    top_p: float | None = Field(None, ge=0, le=1)
    top_k: int | None = Field(None, ge=-1)
    tools: list[dict[str, Any]] | None = None
    chat_template_kwargs: dict[str, Any] | None = None


def sampling_options(request: Request) -> SamplingOptions:
    """The options of a request.

    Raises:
        RequestError: one is none; it is named.
    """
    try:
        options = SamplingOptions.model_validate(dict(request.options))
    except ValidationError as error:
        first = faults(error)[0]
        raise RequestError(
            f"{first.path}: {first.message}", param=first.path.split(".")[0]
        ) from error
    for name in options.chat_template_kwargs or ():
        if name in _HOW:
            where = f"chat_template_kwargs.{name}"
            raise RequestError(f"{where}: it is not the template's", param=where)
    return options


def check_contents(request: Request) -> None:
    """See that each message's content is a text or a list of parts; an assistant's, and a tool's,
    may be missing.

    Raises:
        RequestError: one is not; it is named.
    """
    for at, message in enumerate(request.messages):
        content, role = message.get("content"), message.get("role")
        if content is None and role in ("assistant", "tool"):
            continue
        if not isinstance(content, str | list | tuple):
            where = f"messages.{at}.content"
            raise RequestError(f"{where}: must be a text or a list of parts", param=where)
