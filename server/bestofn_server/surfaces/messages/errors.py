"""Errors in Anthropic's envelope: the same status and sentence, by another name.

{"type": "error", "error": {"type": "invalid_request_error", "message": "..."}}
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel
from starlette.responses import JSONResponse

from bestofn.support.error_text import shortened
from bestofn_server.errors import MOST, describe

TYPES: Mapping[int, str] = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    503: "overloaded_error",
    504: "timeout_error",
}
"""Anthropic's types by the status; those of other faults of a client are `invalid_request_error`,
of a server `api_error`."""


class MessagesErrorBody(BaseModel):
    """What went wrong, as Anthropic's API says it."""

    type: str
    message: str


class MessagesErrorEnvelope(BaseModel):
    """The body of every answer that is not a success."""

    type: Literal["error"] = "error"
    error: MessagesErrorBody


def error_response(error: Exception) -> JSONResponse:
    """The answer that tells `error`."""
    status, _, headers = describe(error)
    return JSONResponse(error_content(error), status, headers)


def error_content(error: Exception) -> dict[str, Any]:
    """The envelope."""
    status, body, _ = describe(error)
    return enveloped(status, body.message)


def enveloped(status: int, message: str) -> dict[str, Any]:
    """The envelope of an answer with this status."""
    kind = TYPES.get(status, "invalid_request_error" if status < 500 else "api_error")
    body = MessagesErrorBody(type=kind, message=shortened(message, MOST))
    return MessagesErrorEnvelope(error=body).model_dump()
