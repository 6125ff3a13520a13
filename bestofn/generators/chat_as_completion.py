"""A chat that is rendered here, as a raw completion for a server that has no chat template."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any

from bestofn.core.errors import RequestError
from bestofn.generators.chat_template import ChatTemplate
from bestofn.openai_api.completion_as_chat import as_chat_chunk, completion_fields

_OF_TEMPLATES = ("reasoning_effort", "add_generation_prompt")
"""Fields of a chat that are variables of its template, as vLLM has them."""

_AS_EVER = {"reasoning_effort": ("none",), "add_generation_prompt": (True,)}
"""Values that ask for nothing else than a template does that does not read them."""


def completion_body(body: Mapping[str, Any], template: ChatTemplate) -> dict[str, Any]:
    """The body of the raw completion that stands for a chat.

    Raises:
        RequestError: the template cannot show it, or its variables are none.
    """
    own = {name: value for name in _OF_TEMPLATES if (value := body.get(name)) is not None}
    given = body.get("chat_template_kwargs") or {}
    if not isinstance(given, Mapping):
        raise RequestError("chat_template_kwargs: it must be an object of the template's variables")
    text = template.render(body["messages"], {**own, **given})
    return {**completion_fields(body), "prompt": text}


def unread_fields(fields: Mapping[str, Any], template: ChatTemplate) -> Sequence[str]:
    """The fields of a chat that say something, but not to this template."""
    return [
        name
        for name in _OF_TEMPLATES
        if fields.get(name) not in (None, *_AS_EVER[name]) and not template.reads(name)
    ]


async def chat_chunks(
    chunks: AsyncGenerator[dict[str, Any]], top: int
) -> AsyncGenerator[dict[str, Any]]:
    """The chunks of a raw completion as a chat's; closing them closes the stream.

    Args:
        chunks: OpenAI's.
        top: alternatives of each token that were asked for.
    """
    async with contextlib.aclosing(chunks):
        async for chunk in chunks:
            yield as_chat_chunk(chunk, top)
