"""A place for what scores texts: admission, and the request's time."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Sequence

from fastapi import Request

from bestofn.core.types import Score
from bestofn_server.http.auth import key_of
from bestofn_server.routes.route import service_of
from bestofn_server.service.scoring import reward_tokens
from bestofn_server.wire.scoring import ScoreUsage


@contextlib.asynccontextmanager
async def scoring_place(request: Request, texts: Sequence[str]) -> AsyncIterator[None]:
    """A place for what scores these texts, within a request's time. A body is bounded already, so
    one with more texts than may be in flight waits until nothing else is, and is not refused."""
    service, key = service_of(request), key_of(request.scope)
    tokens = min(reward_tokens(texts), service.admission.most(key))
    async with service.clock.limited():
        with service.admitted(tokens, key):
            yield


def reward_of(score: Score) -> float:
    """The reward; a score without one was refused before."""
    assert score.reward is not None
    return score.reward


def usage_of(scores: Sequence[Score]) -> ScoreUsage:
    """Tokens that the reward model read."""
    read = sum(score.tokens for score in scores)
    return ScoreUsage(prompt_tokens=read, total_tokens=read)
