"""The envelope of an error, by the path: Anthropic's below /v1/messages, OpenAI's elsewhere."""

from __future__ import annotations

from starlette.responses import JSONResponse

from bestofn_server import errors
from bestofn_server.surfaces.messages import errors as messages

MESSAGES = "/v1/messages"


def response_at(path: str, error: Exception) -> JSONResponse:
    """The answer that tells `error` to who asked at `path`."""
    if path == MESSAGES or path.startswith(f"{MESSAGES}/"):
        return messages.error_response(error)
    return errors.error_response(error)
