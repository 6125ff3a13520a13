"""Requests that no route sees: without a key that lets in, or to a path that is not there. They are
in the log and the metrics too, so that a key that is no longer valid, or is guessed, is seen."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from starlette.routing import BaseRoute, Match
from starlette.types import Scope

from bestofn.support.error_text import shortened
from bestofn_server.http.auth import key_of
from bestofn_server.service.service import Service
from bestofn_server.telemetry.labels import NOBODY, OTHER

logger = logging.getLogger(__name__)

LONGEST = 200
"""Characters of a path in the log."""


def note(scope: Scope, status: int) -> None:
    """Log and count a request.

    Args:
        scope: of the request.
        status: that it is answered with.
    """
    app = scope["app"]
    service = getattr(app.state, "bestofn", None)
    if isinstance(service, Service):
        path = path_of(scope, app.routes)
        service.metrics.requests.labels(path, str(status), *NOBODY).inc()
        service.metrics.key_requests.labels(key_of(scope), str(status)).inc()
    asked = scope["path"].encode("unicode_escape").decode()  # a line break would begin a record
    fields = {"method": scope["method"], "path": shortened(asked, LONGEST)}
    logger.info("request", extra={**fields, "status": status, "key": key_of(scope)})


def path_of(scope: Scope, routes: Iterable[BaseRoute]) -> str:
    """The path of the route that a request asks for, as metrics call it; `OTHER`: there is none."""
    for route in routes:
        if route.matches(scope)[0] is not Match.NONE:
            return str(getattr(route, "path", OTHER))
    return OTHER
