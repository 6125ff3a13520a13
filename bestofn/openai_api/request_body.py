"""Owns a request as a body of OpenAI's API, and which fields of a choice a candidate has itself."""

from __future__ import annotations

from typing import Any

from bestofn.core.types import Request

OWN_FIELDS = frozenset(
    {"index", "message", "text", "finish_reason", "logprobs", "token_ids", "prompt_token_ids"}
)
"""Fields of a choice that are not in `Candidate.extra`: it has them itself, or they are the
prompt's."""


def request_body(request: Request) -> dict[str, Any]:
    """Everything but what tells the candidates apart; options go in untouched."""
    body: dict[str, Any] = {**request.options, "stream": False}
    if request.raw:
        body["prompt"] = request.last_user_text
    else:
        body["messages"] = list(request.messages)
    if request.temperature is not None:
        body["temperature"] = request.temperature
    if request.max_tokens is not None:
        body["max_tokens" if request.raw else "max_completion_tokens"] = request.max_tokens
    return body
