"""A server's whole answer for somebody else: as it came, and mended where it cannot be read.

Example:
    answer = whole_answer(await client.post("chat/completions", body), "the upstream")
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bestofn.core.no_winner import GeneratorError
from bestofn.core.token_details import TokenDetails
from bestofn.openai_api.completions import completion_of, read_object, read_usage

_COUNTS = ("prompt_tokens", "completion_tokens", "total_tokens")


def whole_answer(content: bytes, who: str) -> dict[str, Any]:
    """The completion in a body, every field of it; messages, finish reasons and log-probabilities
    as `bestofn.openai_api.completions` reads them, counts that are none as null.

    Raises:
        GeneratorError: it is no completion, or one of its choices cannot be read.
    """
    body = read_object(content, who)
    read = completion_of(body, who)
    for at, (given, choice) in enumerate(zip(body["choices"], read.choices, strict=True)):
        if choice.error is not None:
            raise GeneratorError(choice.error)
        given.setdefault("index", at)
        given["finish_reason"], given["logprobs"] = choice.finish_reason, choice.logprobs
        if isinstance(given.get("message"), Mapping):
            given["message"] = {"content": None, **choice.message}
    if body.get("usage") is not None:
        body["usage"] = usage_as_told(body["usage"])
    return body


def usage_as_told(given: Any) -> dict[str, Any]:
    """The usage with what was counted, null where nobody did; details that are no counts go."""
    read = read_usage(given)
    parts = (read.prompt_tokens, read.completion_tokens)
    known = [count for count in parts if count is not None]
    total = sum(known) if len(known) == len(parts) else None
    more = dict(given) if isinstance(given, Mapping) else {}
    details = read.details or TokenDetails()
    for name, counts in (("prompt", details.prompt), ("completion", details.completion)):
        group = f"{name}_tokens_details"
        if more.get(group) is not None:
            more[group] = dict(counts) or None
    return {**more, **dict(zip(_COUNTS, (*parts, total), strict=True))}
