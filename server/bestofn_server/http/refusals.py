"""Answers that a connection gives below the app, or in its place."""

from __future__ import annotations

from typing import Any

from starlette.types import Receive, Scope, Send

from bestofn_server.errors import ApiError, OverloadedError, error_response


class Refusal:
    """An app that answers with an error."""

    def __init__(self, error: ApiError) -> None:
        self._error = error

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with it, and close."""
        response = error_response(self._error)
        response.headers["connection"] = "close"
        await response(scope, receive, send)


class Unless:
    """An app that is asked on some paths only; else the answer is an error."""

    def __init__(self, paths: frozenset[str], app: Any, error: ApiError) -> None:
        self._paths = paths
        self._app = app
        self._refusal = Refusal(error)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Have the app answer, or say the error."""
        app = self._app if scope["path"] in self._paths else self._refusal
        await app(scope, receive, send)


def too_many() -> OverloadedError:
    """Of connections."""
    return OverloadedError("too many connections are open: try again later", retry_after=1)


def raw(error: ApiError) -> bytes:
    """The answer as it goes over the wire."""
    response = error_response(error)
    head = [f"HTTP/1.1 {response.status_code} ", "connection: close"]
    head += [f"{name}: {value}" for name, value in response.headers.items()]
    return "\r\n".join([*head, "", ""]).encode() + bytes(response.body)
