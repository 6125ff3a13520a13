"""POST /v1/chat/completions and POST /v1/completions."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from bestofn_server.routes.answering import answered
from bestofn_server.routes.documented import COMPLETIONS, EVENTS
from bestofn_server.routes.route import ServiceRoute
from bestofn_server.surfaces.chat import CompletionSurface
from bestofn_server.wire.headers import DOCUMENTED as HEADERS
from bestofn_server.wire.requests import ChatRequest, CompletionRequest
from bestofn_server.wire.responses import Completion

_SUCCESS: dict[int | str, dict[str, Any]] = {200: {"model": Completion, "content": EVENTS}}


def router() -> APIRouter:
    """The two paths."""
    routes = APIRouter(route_class=ServiceRoute, tags=["completions"])

    @routes.post(
        "/v1/chat/completions", responses={**_SUCCESS, **COMPLETIONS}, openapi_extra=HEADERS
    )
    async def create_chat_completion(body: ChatRequest, request: Request) -> Response:
        """Sample best_of answers to a conversation, return the n best."""
        return await answered(CompletionSurface(body), request)

    @routes.post("/v1/completions", responses={**_SUCCESS, **COMPLETIONS}, openapi_extra=HEADERS)
    async def create_completion(body: CompletionRequest, request: Request) -> Response:
        """Sample best_of continuations of a text, return the n best."""
        return await answered(CompletionSurface(body), request)

    return routes
