"""Refusals of vLLM: its errors as `RequestError`, with the field that they name."""

from __future__ import annotations

from typing import Any

from bestofn.core.errors import BestOfNError, RequestError
from bestofn.core.no_winner import GeneratorError
from bestofn.support.error_text import faults


def refusal_of(error: Exception) -> RequestError:
    """What vLLM raises where a request is wrong."""
    import pydantic

    if isinstance(error, pydantic.ValidationError):
        first = faults(error)[0]
        return RequestError(str(first), param=first.path.partition(".")[0] or None)
    sentence = str(error.args[0] if error.args else error)
    return RequestError(sentence, param=_field(error, "parameter"))


def fault_in(response: Any) -> BestOfNError | None:
    """The error that vLLM answers instead of raising it; None: it is an answer."""
    fault = getattr(response, "error", None)
    if fault is None:
        return None
    if 400 <= int(fault.code) < 500:
        return RequestError(fault.message, param=_field(fault, "param"))
    return GeneratorError(fault.message)


def _field(error: Any, name: str) -> str | None:
    """The field of a request that an error names."""
    said = getattr(error, name, None)
    return said if isinstance(said, str) and said else None
