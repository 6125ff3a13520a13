"""Errors of the service, and the status and envelope of each error of bestofn.

BestOfNError
└── ApiError                 has a status, a type and a code of OpenAI's envelope
    ├── InvalidBodyError     400: a field of the body, before any model reads it
    ├── InvalidKeyError      401
    ├── ModelNotFoundError   404
    ├── ClientCodeError      403: programs and tests from clients are not run here
    ├── SlowClientError      408
    ├── TooLargeError        413
    ├── CompressedBodyError  415
    ├── HeadersTooLargeError 431
    ├── OverloadedError      429, with Retry-After
    ├── EngineError          500, 502 or 503: the engine or the upstream
    ├── NotOfferedError      501: the engine or the upstream has no such thing
    └── NotReadyError        503
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from bestofn.core.errors import BestOfNError, ConfigError, RequestError
from bestofn.core.no_winner import (
    ControllerError,
    DeadlineError,
    NothingAcceptableError,
    RewardError,
)
from bestofn.support.contradiction import CONTRADICTION
from bestofn.support.error_text import likeliest, shortened

INVALID = "invalid_request_error"
SERVER = "server_error"

MOST = 400
"""Characters of a message, whoever wrote it: engines quote what they were sent."""

_TYPES = {401: "authentication_error", 404: INVALID, 405: INVALID, 413: INVALID}


class ErrorBody(BaseModel):
    """What went wrong, as OpenAI's API says it."""

    message: str
    type: str
    param: str | None = None
    code: str | None = None


class ErrorEnvelope(BaseModel):
    """The body of every answer that is not a success."""

    error: ErrorBody


class ApiError(BestOfNError):
    """An error with a place in OpenAI's envelope."""

    status = 500
    type = SERVER
    code: str | None = None

    def __init__(
        self, message: str, *, param: str | None = None, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.param = param
        self.headers = dict(headers or {})


class InvalidBodyError(ApiError):
    """The body is wrong, or above a bound."""

    status = 400
    type = INVALID

    def __init__(
        self, message: str, *, param: str | None = None, code: str = "invalid_value"
    ) -> None:
        super().__init__(message, param=param)
        self.code = code


class InvalidKeyError(ApiError):
    """No key that lets in was shown."""

    status = 401
    type = INVALID
    code = "invalid_api_key"

    def __init__(self) -> None:
        super().__init__(
            "a valid API key is needed: Authorization: Bearer KEY, or X-Api-Key: KEY",
            headers={"www-authenticate": "Bearer"},
        )


class TooLargeError(ApiError):
    """The body has more bytes than this server takes."""

    status = 413
    type = INVALID
    code = "too_large"


class CompressedBodyError(ApiError):
    """The body is compressed: a few of its bytes could unpack to more than any bound."""

    status = 415
    type = INVALID
    code = "unsupported_content_encoding"

    def __init__(self) -> None:
        super().__init__(
            "compressed bodies are not read: send it without the header Content-Encoding",
            headers={"accept-encoding": "identity"},  # RFC 9110, 12.5.3: what would be read
        )


class SlowClientError(ApiError):
    """The request did not come in time."""

    status = 408
    type = INVALID
    code = "request_timeout"


class HeadersTooLargeError(ApiError):
    """The request has too many headers, or too long ones."""

    status = 431
    type = INVALID
    code = "headers_too_large"


class ModelNotFoundError(ApiError):
    """Nothing here has that name."""

    status = 404
    type = INVALID
    code = "model_not_found"


class ClientCodeError(ApiError):
    """What was sent would be run as a program, which the operator has not allowed."""

    status = 403
    type = INVALID
    code = "client_code_refused"

    def __init__(self, what: str, *, param: str | None = None) -> None:
        super().__init__(
            f"{what} would be run as code, and this server runs none that clients send", param=param
        )


class OverloadedError(ApiError):
    """No more is taken on at the moment."""

    status = 429
    type = "rate_limit_error"
    code = "overloaded"

    def __init__(self, message: str, retry_after: int) -> None:
        super().__init__(message, headers={"retry-after": str(retry_after)})


class EngineError(ApiError):
    """The engine failed on all candidates."""

    def __init__(self, message: str, *, status: int) -> None:
        super().__init__(message)
        self.status = status
        self.code = {502: "upstream_error", 503: "engine_dead"}.get(status, "engine_error")


class NotOfferedError(ApiError):
    """The engine, or the upstream, has nothing that could answer."""

    status = 501
    code = "not_offered"


class NotReadyError(ApiError):
    """The engine or the reward model does not answer, or the server is stopping."""

    status = 503
    code = "not_ready"


def error_response(error: Exception) -> JSONResponse:
    """The answer that tells `error`; one that is not bestofn's own is told without detail."""
    status, body, headers = describe(error)
    return JSONResponse(error_content(body), status, headers)


def error_content(body: ErrorBody) -> dict[str, Any]:
    """OpenAI's envelope, its message no longer than `MOST` characters."""
    return {"error": {**body.model_dump(), "message": shortened(body.message, MOST)}}


def stream_error(error: Exception) -> dict[str, Any]:
    """The envelope of an error in the middle of a stream, when the status is already sent."""
    return error_content(describe(error)[1])


def describe(error: Exception) -> tuple[int, ErrorBody, dict[str, str]]:
    """Status, body and headers of an error, whichever envelope tells it."""
    match error:
        case ApiError():
            body = ErrorBody(
                message=str(error), type=error.type, param=error.param, code=error.code
            )
            return error.status, body, error.headers
        case RequestValidationError():
            return 400, _invalid(error), {}
        case RequestError() | ConfigError():  # ConfigError: options of a filter in the request
            param = error.param if isinstance(error, RequestError) else None
            body = ErrorBody(message=str(error), type=INVALID, param=param, code="invalid_value")
            return 400, body, {}
        case NothingAcceptableError():
            body = ErrorBody(message=str(error), type=INVALID, code="nothing_acceptable")
            return 422, body, {}
        case DeadlineError():
            return 504, ErrorBody(message=str(error), type=SERVER, code="deadline_exceeded"), {}
        case TimeoutError():
            message = "the request took longer than the server allows"
            return 504, ErrorBody(message=message, type=SERVER, code="timeout"), {}
        case ControllerError():
            return 500, ErrorBody(message=str(error), type=SERVER, code="controller_failed"), {}
        case RewardError():
            return 500, ErrorBody(message=str(error), type=SERVER, code="reward_model_failed"), {}
        case HTTPException():
            kind = _TYPES.get(error.status_code, INVALID if error.status_code < 500 else SERVER)
            body = ErrorBody(message=str(error.detail), type=kind)
            return error.status_code, body, dict(error.headers or {})
    return (
        500,
        ErrorBody(message="internal error; the log has it", type=SERVER, code="internal"),
        {},
    )


def _invalid(error: RequestValidationError) -> ErrorBody:
    """The first thing that is wrong, in one sentence, by the path of the field."""
    first = likeliest(error, without=("body", "header"))
    if first.kind == "json_invalid":
        reason = first.context.get("error", "")
        return ErrorBody(
            message=f"the body is no JSON: {reason}", type=INVALID, code="invalid_json"
        )
    # What a validator of the whole body says is a sentence of its own.
    of_its_type = not first.path and first.kind not in ("value_error", CONTRADICTION)
    return ErrorBody(
        message=f"the body {first.message}" if of_its_type else str(first),
        type=INVALID,
        param=(first.context["field"] if first.kind == CONTRADICTION else first.path) or None,
        code={"extra_forbidden": "unknown_parameter", "missing": "missing_required_parameter"}.get(
            first.kind, "invalid_value"
        ),
    )
