"""POST /v1/rewards: the reward model as a service, with filters, ranks and failures."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter, Request

from bestofn_server.http.disconnect import unless_gone
from bestofn_server.routes.documented import SCORES
from bestofn_server.routes.route import ServiceRoute, service_of
from bestofn_server.routes.scoring_place import scoring_place
from bestofn_server.service.scoring import rank_given, reward_name
from bestofn_server.wire.report import CandidateReport
from bestofn_server.wire.rewards import RewardItem, RewardsRequest, RewardsResponse
from bestofn_server.wire.scoring import ScoreUsage


def router() -> APIRouter:
    """The path, which is in the plug-in too."""
    routes = APIRouter(route_class=ServiceRoute, tags=["rewards"])

    @routes.post("/v1/rewards", responses=SCORES)
    async def create_rewards(body: RewardsRequest, request: Request) -> RewardsResponse:
        """Filter, score and rank responses to one prompt."""
        service = service_of(request)
        name = reward_name(service, body.model)
        filters = service.filters(body.filters)
        candidates = body.candidates
        async with scoring_place(request, [candidate.text for candidate in candidates]):
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

    return routes


_AT_ONCE = 128
"""Reports made before others have their turn."""

_ITEM = set(RewardItem.model_fields)
