"""POST /v1/messages and POST /v1/messages/count_tokens: Anthropic's Messages API."""

from __future__ import annotations

from typing import Any

import anthropic.types as anthropic
from fastapi import APIRouter, Request
from starlette.responses import Response

from bestofn_server.http.auth import key_of
from bestofn_server.http.disconnect import unless_gone
from bestofn_server.routes.answering import answered
from bestofn_server.routes.documented import STATUSES, errors, named_events
from bestofn_server.routes.route import ServiceRoute, service_of
from bestofn_server.service.tokens import prompt_tokens
from bestofn_server.surfaces.messages.errors import MessagesErrorEnvelope, error_response
from bestofn_server.surfaces.messages.request import (
    CountTokensRequest,
    MessagesRequest,
    chat_request,
)
from bestofn_server.surfaces.messages.surface import MessagesSurface
from bestofn_server.wire.headers import DOCUMENTED as HEADERS
from bestofn_server.wire.headers import asked_by
from bestofn_server.wire.report import Report


class MessageAnswer(anthropic.Message):
    """Anthropic's message object, with bestofn's report."""

    content: list[anthropic.TextBlock | anthropic.ThinkingBlock | anthropic.ToolUseBlock]  # type: ignore[assignment]  # pyright: ignore[reportIncompatibleVariableOverride]
    usage: dict[str, Any]  # type: ignore[assignment]  # pyright: ignore[reportIncompatibleVariableOverride]
    bestofn: Report | None = None


class MessagesRoute(ServiceRoute):
    """A route whose errors and request id are as Anthropic's clients read them."""

    tell = staticmethod(error_response)
    identity_headers = ("x-request-id", "request-id")


_ERRORS = errors(*STATUSES, envelope=MessagesErrorEnvelope)
_SUCCESS: dict[int | str, dict[str, Any]] = {
    200: {"model": MessageAnswer, "content": named_events("MessageAnswer")}
}


def router() -> APIRouter:
    """The two paths."""
    routes = APIRouter(route_class=MessagesRoute, tags=["messages"])

    @routes.post("/v1/messages", responses={**_SUCCESS, **_ERRORS}, openapi_extra=HEADERS)
    async def create_message(body: MessagesRequest, request: Request) -> Response:
        """Sample best_of messages, return the best."""
        return await answered(MessagesSurface(body), request)

    @routes.post("/v1/messages/count_tokens", responses=_ERRORS, openapi_extra=HEADERS)
    async def count_tokens(
        body: CountTokensRequest, request: Request
    ) -> anthropic.MessageTokensCount:
        """Count the tokens of a conversation, as the engine does: it reads it, and samples one."""
        service = service_of(request)
        chat, _ = chat_request(body)
        async with service.clock.limited():
            with service.admitted(1, key_of(request.scope)):
                profile = asked_by(request.scope["headers"]).profile
                tokens = await unless_gone(request, prompt_tokens(service, chat, profile))
        return anthropic.MessageTokensCount(input_tokens=tokens)

    return routes
