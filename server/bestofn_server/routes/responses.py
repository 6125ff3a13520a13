"""POST /v1/responses and POST /v1/responses/input_tokens: OpenAI's Responses API, without state."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from openai.types import responses as openai
from openai.types.responses.input_token_count_response import InputTokenCountResponse
from starlette.responses import Response

from bestofn_server.http.auth import key_of
from bestofn_server.http.disconnect import unless_gone
from bestofn_server.routes.answering import answered
from bestofn_server.routes.documented import COMPLETIONS, named_events
from bestofn_server.routes.route import ServiceRoute, service_of
from bestofn_server.service.tokens import prompt_tokens
from bestofn_server.surfaces.responses.request import (
    InputTokensRequest,
    ResponsesRequest,
    chat_request,
)
from bestofn_server.surfaces.responses.surface import ResponsesSurface
from bestofn_server.wire.headers import DOCUMENTED as HEADERS
from bestofn_server.wire.headers import asked_by
from bestofn_server.wire.report import Report

_Item = (
    openai.ResponseOutputMessage
    | openai.ResponseFunctionToolCall
    | openai.ResponseCustomToolCall
    | openai.ResponseReasoningItem
)


class ResponseAnswer(openai.Response):
    """OpenAI's response object, with bestofn's report."""

    output: list[_Item]  # type: ignore[assignment]  # pyright: ignore[reportIncompatibleVariableOverride]
    instructions: str | None = None  # pyright: ignore[reportIncompatibleVariableOverride]
    tools: list[dict[str, Any]]  # type: ignore[assignment]  # pyright: ignore[reportIncompatibleVariableOverride]
    tool_choice: str | dict[str, Any]  # type: ignore[assignment]  # pyright: ignore[reportIncompatibleVariableOverride]
    usage: dict[str, Any] | None = None  # type: ignore[assignment]  # pyright: ignore[reportIncompatibleVariableOverride]
    bestofn: Report | None = None


_SUCCESS: dict[int | str, dict[str, Any]] = {
    200: {"model": ResponseAnswer, "content": named_events("ResponseAnswer")}
}


def router() -> APIRouter:
    """The two paths."""
    routes = APIRouter(route_class=ServiceRoute, tags=["responses"])

    @routes.post("/v1/responses", responses={**_SUCCESS, **COMPLETIONS}, openapi_extra=HEADERS)
    async def create_response(body: ResponsesRequest, request: Request) -> Response:
        """Sample best_of responses, return the best; nothing is stored."""
        return await answered(ResponsesSurface(body), request)

    @routes.post("/v1/responses/input_tokens", responses=COMPLETIONS, openapi_extra=HEADERS)
    async def count_input_tokens(
        body: InputTokensRequest, request: Request
    ) -> InputTokenCountResponse:
        """Count the tokens of an input, as the engine does: it reads it, and samples one."""
        service = service_of(request)
        chat, _, _ = chat_request(body)
        async with service.clock.limited():
            with service.admitted(1, key_of(request.scope)):
                profile = asked_by(request.scope["headers"]).profile
                tokens = await unless_gone(request, prompt_tokens(service, chat, profile))
        return InputTokenCountResponse(input_tokens=tokens, object="response.input_tokens")

    return routes
