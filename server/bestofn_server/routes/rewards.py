"""POST /v1/rewards, /classify and /v1/rerank: the reward model as a service."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import math
import time
import uuid
from collections.abc import AsyncIterator, Sequence

from fastapi import APIRouter, Request

from bestofn.core.types import Candidate, Score
from bestofn.support.conversation import candidate_of
from bestofn_server.http.auth import key_of
from bestofn_server.http.disconnect import unless_gone
from bestofn_server.routes.documented import SCORES
from bestofn_server.routes.route import ServiceRoute, service_of
from bestofn_server.service.scoring import (
    rank_given,
    reward_name,
    reward_tokens,
    score_given,
    score_texts,
)
from bestofn_server.wire.report import CandidateReport
from bestofn_server.wire.rewards import (
    ClassifyItem,
    ClassifyRequest,
    ClassifyResponse,
    RerankDocument,
    RerankItem,
    RerankRequest,
    RerankResponse,
    RewardItem,
    RewardsRequest,
    RewardsResponse,
    ScoreUsage,
)


def router() -> APIRouter:
    """The paths below /v1, which are in the plug-in too."""
    routes = APIRouter(route_class=ServiceRoute, tags=["rewards"])

    @routes.post("/v1/rewards", responses=SCORES)
    async def create_rewards(body: RewardsRequest, request: Request) -> RewardsResponse:
        """Filter, score and rank responses to one prompt."""
        service = service_of(request)
        name = reward_name(service, body.model)
        filters = service.filters(body.filters)
        candidates = body.candidates
        async with _admitted(request, [candidate.text for candidate in candidates]):
            ranking = await unless_gone(
                request,
                rank_given(service, body.conversation, candidates, filters, body.reference),
            )
        reports: list[CandidateReport] = []
        for record in ranking.candidates:
            reports.append(CandidateReport.of(record, full=False))
            if len(reports) % _AT_ONCE == 0:
                await asyncio.sleep(0)  # a thousand take a tenth of a second
        reports.sort(key=lambda report: report.index)
        read = ranking.usage.reward_tokens
        return RewardsResponse(
            model=name,
            data=[RewardItem(**report.model_dump(include=_ITEM)) for report in reports],
            ranking=[record.index for record in ranking.ranked],
            usage=ScoreUsage(prompt_tokens=read, total_tokens=read),
        )

    @routes.post("/v1/rerank", responses=SCORES, response_model_exclude_none=True)
    async def rerank(body: RerankRequest, request: Request) -> RerankResponse:
        """Order documents by how well they answer a query, as the reward model sees it."""
        service = service_of(request)
        name = reward_name(service, body.model)
        messages = [{"role": "user", "content": body.query}]
        candidates = [candidate_of(at, text) for at, text in enumerate(body.texts)]
        async with _admitted(request, body.texts):
            scores = await unless_gone(request, score_given(service, messages, candidates))
        rewards = [_reward(score) for score in scores]
        order = sorted(range(len(rewards)), key=lambda at: -rewards[at])[: body.top_n]
        return RerankResponse(
            id=f"rerank-{uuid.uuid4().hex}",
            model=name,
            results=[
                RerankItem(
                    index=at,
                    relevance_score=rewards[at],
                    document=RerankDocument(text=body.texts[at]) if body.return_documents else None,
                )
                for at in order
            ],
            usage=_usage(scores),
        )

    return routes


def classify_router() -> APIRouter:
    """/classify, which stands outside of what vLLM's own key guards."""
    routes = APIRouter(route_class=ServiceRoute, tags=["rewards"])

    @routes.post("/classify", responses=SCORES)
    async def classify(body: ClassifyRequest, request: Request) -> ClassifyResponse:
        """The raw reward of texts that the reward model reads as they are, as vLLM answers."""
        service = service_of(request)
        name = reward_name(service, body.model)
        if body.messages is not None:
            *messages, last = body.messages
            answer = Candidate(0, last, "stop")
            texts = [answer.text]
            scoring = functools.partial(score_given, service, messages, [answer])
        else:
            texts = [body.input] if isinstance(body.input, str) else list(body.input or ())
            scoring = functools.partial(score_texts, service, texts)
        async with _admitted(request, texts):
            scores = await unless_gone(request, scoring())
        rewards = [_reward(score) for score in scores]
        if body.use_activation:
            rewards = [_sigmoid(reward) for reward in rewards]
        return ClassifyResponse(
            id=f"classify-{uuid.uuid4().hex}",
            created=int(time.time()),
            model=name,
            data=[
                ClassifyItem(index=at, label="LABEL_0", probs=[reward], num_classes=1)
                for at, reward in enumerate(rewards)
            ],
            usage=_usage(scores),
        )

    return routes


@contextlib.asynccontextmanager
async def _admitted(request: Request, texts: Sequence[str]) -> AsyncIterator[None]:
    """A place for what scores these texts, within a request's time. A body is bounded already, so
    one with more texts than may be in flight waits until nothing else is, and is not refused."""
    service, key = service_of(request), key_of(request.scope)
    tokens = min(reward_tokens(texts), service.admission.most(key))
    async with service.clock.limited():
        with service.admitted(tokens, key):
            yield


_AT_ONCE = 128
"""Reports made before others have their turn."""

_ITEM = set(RewardItem.model_fields)


def _reward(score: Score) -> float:
    assert score.reward is not None  # one without a reward was refused
    return score.reward


def _sigmoid(value: float) -> float:
    return 1 / (1 + math.exp(-value)) if value >= 0 else math.exp(value) / (1 + math.exp(value))


def _usage(scores: list[Score]) -> ScoreUsage:
    read = sum(score.tokens for score in scores)
    return ScoreUsage(prompt_tokens=read, total_tokens=read)
