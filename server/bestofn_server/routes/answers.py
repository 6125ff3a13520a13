"""The paths that answer, of every API whose package is installed."""

from __future__ import annotations

import importlib.util
import logging

from fastapi import APIRouter

from bestofn_server.routes import candidates, completions, responses

logger = logging.getLogger(__name__)


def answer_routers() -> list[APIRouter]:
    """Chat and text completions, candidates as events, responses, and messages where there is the
    package for them."""
    routers = [completions.router(), candidates.router(), responses.router()]
    if importlib.util.find_spec("anthropic") is None:
        logger.info(
            "/v1/messages is not served: it needs the package anthropic (the extra of that name)"
        )
        return routers
    from bestofn_server.routes import messages

    return [*routers, messages.router()]
