"""Scoring what already exists: rankings of given responses, rewards of ready-made texts."""

from __future__ import annotations

from collections.abc import Sequence

from bestofn.control.policy import Policy
from bestofn.core.best_of_n import best_of_n
from bestofn.core.errors import RequestError
from bestofn.core.no_winner import NothingAcceptableError, RewardError
from bestofn.core.pipeline import Pipeline
from bestofn.core.protocols import Filter, RewardModel
from bestofn.core.ranking import Ranking
from bestofn.core.types import Candidate, Message, Request, Score
from bestofn.generators.replay import ReplayGenerator
from bestofn_server.errors import ClientCodeError, ModelNotFoundError
from bestofn_server.service.service import Service

_CHARACTERS_PER_TOKEN = 4
"""For admission only: texts are counted before they are tokenised."""


def reward_name(service: Service, asked: str | None) -> str:
    """The reward model's name, if it is the one that was asked for and scores what clients send.

    Raises:
        ModelNotFoundError: it is not, or there is none.
        ClientCodeError: it would run responses as programs, which is not allowed here.
    """
    name = service.reward_name
    if service.pipeline.reward_model is None or name is None:
        raise ModelNotFoundError("this server has no reward model")
    if asked not in (None, name):
        raise ModelNotFoundError(f"the reward model here is {name!r}", param="model")
    if service.refuses_code:
        raise ClientCodeError("a response")
    return name


def reward_tokens(texts: Sequence[str]) -> int:
    """What admission counts for scoring these texts."""
    return sum(len(text) // _CHARACTERS_PER_TOKEN + 1 for text in texts)


async def rank_given(
    service: Service,
    messages: Sequence[Message],
    candidates: Sequence[Candidate],
    filters: Sequence[Filter],
    reference: object = None,
) -> Ranking:
    """The ranking of responses that exist; where all are rejected, one without a winner.

    Raises:
        RewardError: the reward model failed.
    """
    pipeline = Pipeline(
        ReplayGenerator(tuple(candidates)),
        service.pipeline.selector,
        filters,
        service.pipeline.reward_model,
        Policy("error"),
    )
    request = Request(tuple(messages), best_of=len(candidates), reference=reference)
    try:
        return await best_of_n(request, pipeline, observer=service.observer())
    except NothingAcceptableError as error:
        if error.ranking is None:
            raise
        return error.ranking


async def score_given(
    service: Service, messages: Sequence[Message], candidates: Sequence[Candidate]
) -> list[Score]:
    """One reward per response, unfiltered, in order.

    Raises:
        RequestError: one of them cannot be scored.
        RewardError: the reward model failed, or gave no finite number for each.
    """
    request = Request(tuple(messages), best_of=len(candidates))
    scores = await _reward_model(service).score(request, candidates)
    return _whole(scores, len(candidates))


async def score_texts(service: Service, texts: Sequence[str]) -> list[Score]:
    """One reward per ready-made text, in order; errors as `score_given`."""
    text_scorer = service.pipeline.text_scorer
    if text_scorer is None:
        raise RequestError("this reward model reads conversations only: send messages")
    return _whole(await text_scorer.score_texts(texts), len(texts))


def _reward_model(service: Service) -> RewardModel:
    assert service.pipeline.reward_model is not None  # reward_name has seen to it
    return service.pipeline.reward_model


def _whole(scores: list[Score], count: int) -> list[Score]:
    if len(scores) != count:
        raise RewardError(f"the reward model returned {len(scores)} scores for {count} texts")
    for index, score in enumerate(scores):
        if score.failure is not None:
            raise RequestError(f"text {index} cannot be scored: {score.failure.detail}")
        if (failure := Score.of(score.reward).failure) is not None:
            raise RewardError(f"text {index}: {failure.detail}")
    return scores
