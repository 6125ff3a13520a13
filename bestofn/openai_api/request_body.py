"""A `Request` as the body of a call to OpenAI's API: chat/completions, or completions where raw."""

from __future__ import annotations

from typing import Any

from bestofn.core.types import Request


def request_body(request: Request) -> dict[str, Any]:
    """Everything but what tells the candidates apart, and the log-probabilities that only rules
    read; options go in untouched."""
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
