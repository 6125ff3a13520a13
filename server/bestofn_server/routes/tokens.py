"""POST /tokenize and /detokenize: what the engine reads of a text, as vLLM's clients ask."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from fastapi import APIRouter, Request
from pydantic import BaseModel, ValidationError

from bestofn_server.errors import EngineError
from bestofn_server.http.disconnect import unless_gone
from bestofn_server.routes.documented import TOKENS
from bestofn_server.routes.route import ServiceRoute, service_of
from bestofn_server.routes.scoring_place import scoring_place
from bestofn_server.service import tokens
from bestofn_server.wire.tokens import Detokenized, DetokenizeRequest, TokenizeRequest, Tokens

_Answer = TypeVar("_Answer", bound=BaseModel)


def router() -> APIRouter:
    """The two paths."""
    routes = APIRouter(route_class=ServiceRoute, tags=["tokens"])

    @routes.post("/tokenize", responses=TOKENS, response_model_exclude_none=True)
    async def tokenize(body: TokenizeRequest, request: Request) -> Tokens:
        """The tokens of a text, or of a conversation as the model reads it."""
        text = body.prompt if body.prompt is not None else str(body.messages)
        async with scoring_place(request, [text]):
            asked = tokens.tokenize(service_of(request), body.model, body.fields)
            return _read(Tokens, await unless_gone(request, asked))

    @routes.post("/detokenize", responses=TOKENS)
    async def detokenize(body: DetokenizeRequest, request: Request) -> Detokenized:
        """The text of tokens."""
        async with scoring_place(request, ["    "] * len(body.tokens)):
            asked = tokens.detokenize(service_of(request), body.model, body.fields)
            return _read(Detokenized, await unless_gone(request, asked))

    return routes


def _read(kind: type[_Answer], answer: Mapping[str, Any]) -> _Answer:
    """The answer, which an upstream may have in another form.

    Raises:
        EngineError: it has.
    """
    try:
        return kind.model_validate(answer)
    except ValidationError as error:
        raise EngineError("the upstream answers in another form", status=502) from error
