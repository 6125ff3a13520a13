"""POST /v1/rerank, /v1/score and their other names: documents as answers to a query, as Cohere,
Jina and vLLM ask for them."""

from __future__ import annotations

import time
import uuid

from fastapi import APIRouter, Request

from bestofn_server.http.disconnect import unless_gone
from bestofn_server.routes.documented import SCORES
from bestofn_server.routes.route import ServiceRoute, service_of
from bestofn_server.routes.scoring_place import reward_of, scoring_place, usage_of
from bestofn_server.service.scoring import reward_name, score_pairs
from bestofn_server.wire.activation import sigmoid
from bestofn_server.wire.rerank import (
    RerankItem,
    RerankRequest,
    RerankResponse,
    ScoreItem,
    ScoreRequest,
    ScoreResponse,
)


def router() -> APIRouter:
    """The paths below /v1, which are in the plug-in too."""
    routes = APIRouter(route_class=ServiceRoute, tags=["rewards"])
    _add(routes, rerank="/v1/rerank", score="/v1/score")
    return routes


def other_names() -> APIRouter:
    """The same under the paths of vLLM and Cohere that vLLM's own key does not guard."""
    routes = APIRouter(route_class=ServiceRoute, tags=["rewards"])
    _add(routes, rerank="/rerank", score="/score")
    routes.add_api_route(
        "/v2/rerank", _rerank, methods=["POST"], responses=SCORES, response_model_exclude_none=True
    )
    return routes


def _add(routes: APIRouter, *, rerank: str, score: str) -> None:
    routes.add_api_route(
        rerank, _rerank, methods=["POST"], responses=SCORES, response_model_exclude_none=True
    )
    routes.add_api_route(score, _score, methods=["POST"], responses=SCORES)


async def _rerank(body: RerankRequest, request: Request) -> RerankResponse:
    """Order documents by how well they answer a query, as the reward model sees it."""
    service = service_of(request)
    name = reward_name(service, body.model)
    texts = body.texts
    async with scoring_place(request, texts):
        pairs = [(body.query, text) for text in texts]
        scores = await unless_gone(request, score_pairs(service, pairs))
    rewards = [reward_of(score) for score in scores]
    order = sorted(range(len(rewards)), key=lambda at: -rewards[at])[: body.top_n]
    return RerankResponse(
        id=f"rerank-{uuid.uuid4().hex}",
        model=name,
        results=[
            RerankItem(
                index=at,
                relevance_score=body.relevance_of(rewards[at]),
                reward=rewards[at],
                document=body.document(at) if body.return_documents else None,
            )
            for at in order
        ],
        usage=usage_of(scores),
        notes=body.notes,
    )


async def _score(body: ScoreRequest, request: Request) -> ScoreResponse:
    """The reward of each text as the answer to its query, as vLLM answers."""
    service = service_of(request)
    name = reward_name(service, body.model)
    pairs = body.pairs
    async with scoring_place(request, [text for pair in pairs for text in pair]):
        scores = await unless_gone(request, score_pairs(service, pairs))
    rewards = [reward_of(score) for score in scores]
    return ScoreResponse(
        id=f"score-{uuid.uuid4().hex}",
        created=int(time.time()),
        model=name,
        data=[
            ScoreItem(
                index=at, score=sigmoid(reward) if body.use_activation else reward, reward=reward
            )
            for at, reward in enumerate(rewards)
        ],
        usage=usage_of(scores),
        notes=body.notes,
    )
