"""Log-probabilities of sampled tokens in OpenAI's API: asked for, read, and left out again.

Rules that choose and stop read them (`Candidate.mean_logprob`); a client gets them where it asked.

    request_body(request)                      # with "logprobs": true, if request.token_logprobs
    token_logprobs(choice.logprobs)            # (-0.1, -2.3, ...)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bestofn.core.types import Request

UNKNOWN = -9999.0
"""What vLLM writes where it has no logprob, or minus infinity; JSON has neither."""

MOST = 0.01
"""What rounding may add to 0, the logarithm of a probability of 1."""


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
    return tuple(float(each) for each in values if is_logprob(each)) or None


def is_logprob(value: Any) -> bool:
    """Whether it is the logarithm of a probability: a number, above 0 by rounding at most."""
    return (
        isinstance(value, int | float) and not isinstance(value, bool) and UNKNOWN < value <= MOST
    )


def readable(logprobs: Any) -> dict[str, Any] | None:
    """A choice's log-probabilities, as far as they are some; None where there are none.

    Of a chat what is no object of a token is left out, and so are fields of one that are of another
    form than OpenAI's; those of a text stay as they are.
    """
    if not isinstance(logprobs, Mapping) or not logprobs:
        return None
    read = dict(logprobs)
    for name in ("content", "refusal"):
        if read.get(name) is not None:
            listed = read[name] if isinstance(read[name], list) else []
            read[name] = [token for each in listed if (token := _token(each)) is not None]
    return read


def _token(given: Any) -> dict[str, Any] | None:
    """What is said of one token; None: nothing that can be read."""
    if not isinstance(given, Mapping) or not isinstance(given.get("token", ""), str):
        return None
    token = dict(given)
    if not (token.get("logprob") is None or isinstance(token["logprob"], int | float)):
        token["logprob"] = None
    said = token.get("bytes")
    if said is not None and not (isinstance(said, list) and all(type(b) is int for b in said)):
        token["bytes"] = None
    if token.get("top_logprobs") is not None:
        others = token["top_logprobs"] if isinstance(token["top_logprobs"], list) else []
        token["top_logprobs"] = [read for each in others if (read := _token(each)) is not None]
    return token
