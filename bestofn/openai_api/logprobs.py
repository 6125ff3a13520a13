"""Log-probabilities of sampled tokens in OpenAI's API: asked for, read, and left out again.

Rules that choose and stop read them (`Candidate.mean_logprob`); a client gets them where it asked.

    request_body(request)                      # with "logprobs": true, if request.token_logprobs
    token_logprobs(choice.logprobs)            # (-0.1, -2.3, ...)
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from bestofn.core.types import Request

UNKNOWN = -9999.0
"""What vLLM writes where it has no logprob, or minus infinity; JSON has neither."""


def client_wants(request: Request) -> bool:
    """Whether the client asked for log-probabilities itself, with whatever else it asked."""
    asked = (request.options.get(name) for name in ("logprobs", "top_logprobs"))
    return any(each is not None and each is not False for each in asked)


def asked_by_rules(request: Request) -> bool:
    """Whether nobody but bestofn's own rules wants them."""
    return request.token_logprobs and not client_wants(request)


def field_of(request: Request) -> dict[str, Any]:
    """The field of a body that asks for those of the sampled tokens alone."""
    return {"logprobs": 1 if request.raw else True}


def token_logprobs(logprobs: Mapping[str, Any] | None) -> tuple[float, ...] | None:
    """The logprob of each sampled token, in order; None where there is none.

    Args:
        logprobs: OpenAI's object of a choice: of a chat (``content``), or of a text
            (``token_logprobs``).
    """
    if logprobs is None:
        return None
    content = logprobs.get("content")
    if isinstance(content, Sequence) and not isinstance(content, str):
        values = [each.get("logprob") for each in content if isinstance(each, Mapping)]
    else:
        listed = logprobs.get("token_logprobs")
        values = listed if isinstance(listed, list) else []
    return known(values)


def known(values: Sequence[Any]) -> tuple[float, ...] | None:
    """The values that are logprobs; None where none is."""
    found = tuple(
        float(each)
        for each in values
        if isinstance(each, int | float) and math.isfinite(each) and each > UNKNOWN
    )
    return found or None
