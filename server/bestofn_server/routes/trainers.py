"""POST /classify, /pooling and /get_reward: rewards of texts, as vLLM's and OpenRLHF's clients ask
for them. They stand outside of what vLLM's own key guards."""

from __future__ import annotations

import functools
import time
import uuid
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from fastapi import APIRouter, Request

from bestofn.core.types import Candidate, Score
from bestofn_server.http.disconnect import unless_gone
from bestofn_server.routes.documented import SCORES
from bestofn_server.routes.route import ServiceRoute, service_of
from bestofn_server.routes.scoring_place import reward_of, scoring_place, usage_of
from bestofn_server.service.scoring import (
    reward_name,
    score_given,
    score_remotely,
    score_texts,
    score_tokens,
)
from bestofn_server.service.service import Service
from bestofn_server.wire.activation import relevance, sigmoid
from bestofn_server.wire.rewards import ClassifyItem, ClassifyRequest, ClassifyResponse
from bestofn_server.wire.scoring import ScoreUsage
from bestofn_server.wire.trainers import (
    AskedTexts,
    PoolingItem,
    PoolingRequest,
    PoolingResponse,
    RemoteRewardRequest,
    RemoteRewardResponse,
)


def router() -> APIRouter:
    """The three paths."""
    routes = APIRouter(route_class=ServiceRoute, tags=["rewards"])

    @routes.post("/classify", responses=SCORES)
    async def classify(body: ClassifyRequest, request: Request) -> ClassifyResponse:
        """The raw reward of texts that the reward model reads as they are, as vLLM answers."""
        service = service_of(request)
        name = reward_name(service, body.model)
        texts, scoring = _asked(service, body)
        async with scoring_place(request, texts):
            scores = await unless_gone(request, scoring())
        return ClassifyResponse(
            id=f"classify-{uuid.uuid4().hex}",
            created=int(time.time()),
            model=name,
            data=[
                ClassifyItem(index=at, label="LABEL_0", probs=[reward], num_classes=1)
                for at, reward in enumerate(_rewards(body, scores))
            ],
            usage=usage_of(scores),
            notes=body.notes,
        )

    @routes.post("/pooling", responses=SCORES)
    async def pooling(body: PoolingRequest, request: Request) -> PoolingResponse:
        """The raw reward of texts, or of a text as far as each token, as vLLM answers."""
        service = service_of(request)
        name = reward_name(service, body.model)
        data: Sequence[list[float] | list[list[float]]]
        if body.by_token:
            texts = [each if isinstance(each, str) else "    " * len(each) for each in body.given]
            async with scoring_place(request, texts):
                found = await unless_gone(request, score_tokens(service, body.given))
            read = sum(map(len, found))
            usage = ScoreUsage(prompt_tokens=read, total_tokens=read)
            whole = body.task != "token_classify"
            each_token = [[_activated(body, [value]) for value in rewards] for rewards in found]
            data = [rewards[-1] if whole else rewards for rewards in each_token]
        else:
            asked, scoring = _asked(service, body)
            async with scoring_place(request, asked):
                scores = await unless_gone(request, scoring())
            usage = usage_of(scores)
            data = [[reward] for reward in _rewards(body, scores)]
        return PoolingResponse(
            id=f"pool-{uuid.uuid4().hex}",
            created=int(time.time()),
            model=name,
            data=[PoolingItem(index=at, data=each) for at, each in enumerate(data)],
            usage=usage,
            notes=body.notes,
        )

    @routes.post("/get_reward", responses=SCORES)
    async def get_reward(body: RemoteRewardRequest, request: Request) -> RemoteRewardResponse:
        """The rewards of whole texts, as OpenRLHF asks a remote reward model for them."""
        service = service_of(request)
        reward_name(service, body.model)
        async with scoring_place(request, body.queries):
            scores, notes = await unless_gone(
                request, score_remotely(service, body.queries, body.openings, body.references)
            )
        rewards = [reward_of(score) for score in scores]
        return RemoteRewardResponse(
            rewards=rewards,
            scores=[relevance(reward) for reward in rewards],
            notes=[*notes, *body.notes],
        )

    return routes


def _asked(
    service: Service, body: AskedTexts
) -> tuple[Sequence[str], Callable[[], Coroutine[Any, Any, list[Score]]]]:
    """The texts that are scored, and what scores them."""
    if body.messages is None:
        return body.texts, functools.partial(score_texts, service, body.texts)
    *messages, last = body.messages
    answer = Candidate(0, last, "stop")
    return [answer.text], functools.partial(score_given, service, messages, [answer])


def _rewards(body: AskedTexts, scores: Sequence[Score]) -> list[float]:
    return _activated(body, [reward_of(score) for score in scores])


def _activated(body: AskedTexts, rewards: list[float]) -> list[float]:
    return [sigmoid(reward) for reward in rewards] if body.use_activation else rewards
