"""HEAD and OPTIONS, which load balancers and browsers send: middleware in front of every path.

HEAD is GET without its body (RFC 9110, 9.3.2); OPTIONS says in `Allow` what a path takes (9.3.7).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from starlette.routing import BaseRoute, Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class HeadAndOptions:
    """ASGI middleware that answers the two for every path that there is.

    Args:
        app: what answers the other methods.
        routes: gives the paths that there are.
    """

    def __init__(self, app: ASGIApp, routes: Callable[[], Sequence[BaseRoute]]) -> None:
        self._app = app
        self._routes = routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or pass on."""
        method = scope["method"] if scope["type"] == "http" else None
        if method == "OPTIONS" and (allowed := methods_of(scope, self._routes())):
            allow = (b"allow", ", ".join(allowed).encode())
            await send({"type": "http.response.start", "status": 204, "headers": [allow]})
            await send({"type": "http.response.body", "body": b""})
        elif method == "HEAD" and "HEAD" in methods_of(scope, self._routes()):
            await self._app({**scope, "method": "GET"}, receive, _without_body(send))
        else:
            await self._app(scope, receive, send)


def methods_of(scope: Scope, routes: Iterable[BaseRoute]) -> list[str]:
    """What a path takes, in order of the alphabet; nothing where there is no such path."""
    found: set[str] = set()
    for route in routes:
        if route.matches(scope)[0] is not Match.NONE:
            found |= getattr(route, "methods", None) or set()
    if "GET" in found:
        found.add("HEAD")
    return sorted(found | {"OPTIONS"}) if found else []


def _without_body(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.body":
            message = {**message, "body": b""}
        await send(message)

    return sending
