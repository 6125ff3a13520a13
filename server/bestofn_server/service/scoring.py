"""Scoring what already exists: rankings of given responses, rewards of ready-made texts."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from bestofn.control.policy import Policy
from bestofn.core.best_of_n import best_of_n
from bestofn.core.errors import RequestError
from bestofn.core.no_winner import NothingAcceptableError, RewardError
from bestofn.core.pipeline import Pipeline
from bestofn.core.protocols import Filter, RewardModel
from bestofn.core.ranking import Ranking
from bestofn.core.types import Candidate, Failure, Message, Request, Score
from bestofn.generators.replay import ReplayGenerator
from bestofn.support.concurrency import gather_or_cancel
from bestofn.support.conversation import candidate_of
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


async def score_pairs(service: Service, pairs: Sequence[tuple[str, str]]) -> list[Score]:
    """The reward of each text as the answer to its query, in order; errors as `score_given`.

    The answers to one query are scored together: only they compare.
    """
    places: dict[str, list[int]] = {}
    for at, (query, _) in enumerate(pairs):
        places.setdefault(query, []).append(at)
    scores: dict[int, Score] = {}

    async def score(query: str, answers: Sequence[int]) -> None:
        messages = [{"role": "user", "content": query}]
        given = [candidate_of(index, pairs[at][1]) for index, at in enumerate(answers)]
        request = Request(tuple(messages), best_of=len(given))
        found = await _reward_model(service).score(request, given)
        scores.update(zip(answers, _as_many(found, len(given)), strict=True))

    await gather_or_cancel(score(query, answers) for query, answers in places.items())
    return _whole([scores[at] for at in range(len(pairs))], len(pairs))


async def score_remotely(
    service: Service,
    queries: Sequence[str],
    openings: Sequence[str] | None,
    references: Sequence[object],
) -> tuple[list[Score], list[str]]:
    """The rewards of whole texts, prompt and answer in one, and notes on what was ignored.

    A reward model that reads ready-made texts reads them as they are. One that reads conversations
    is shown what a text begins with as the prompt, and the rest as the answer.

    Args:
        service: whose reward model scores.
        queries: the texts.
        openings: what each begins with; None: not said.
        references: what an answer is compared with; None: nothing.

    Raises:
        RequestError, RewardError: as `score_given`; a text does not begin with its opening.
    """
    if service.pipeline.text_scorer is not None:
        labelled = any(each is not None for each in references)
        notes = ["labels has no effect here: the reward model reads texts alone"] * labelled
        return await score_texts(service, queries), notes
    if openings is None:
        raise RequestError(f"prompts: {_why_no_texts(service)}: say the prompts", param="prompts")
    requests = [
        _split(at, query, opening, reference)
        for at, (query, opening, reference) in enumerate(
            zip(queries, openings, references, strict=True)
        )
    ]
    found = await gather_or_cancel(
        _reward_model(service).score(request, [candidate]) for request, candidate in requests
    )
    scores = [score for each in found for score in _as_many(each, 1)]
    return _whole(scores, len(queries)), []


def _split(at: int, query: str, opening: str, reference: object) -> tuple[Request, Candidate]:
    """A text as a prompt and its answer.

    Raises:
        RequestError: it does not begin with the prompt.
    """
    if not query.startswith(opening):
        raise RequestError(f"query {at} does not begin with its prompt", param="query")
    messages = ({"role": "user", "content": opening},)
    request = Request(messages, best_of=1, reference=reference)
    return request, candidate_of(0, query.removeprefix(opening))


async def score_texts(service: Service, texts: Sequence[str]) -> list[Score]:
    """One reward per ready-made text, in order; errors as `score_given`."""
    text_scorer = service.pipeline.text_scorer
    if text_scorer is None:
        raise RequestError(f"{_why_no_texts(service)}: send messages", param="input")
    return _whole(await text_scorer.score_texts(texts), len(texts))


async def score_tokens(
    service: Service, texts: Sequence[str | Sequence[int]]
) -> list[Sequence[float]]:
    """The reward at each token of texts, or of texts in tokens, in order.

    Raises:
        RequestError: the reward model gives none of a token, or one of the texts cannot be scored.
        RewardError: it failed, or gave a number that is not finite.
    """
    token_scorer = service.pipeline.token_scorer
    if token_scorer is None:
        raise RequestError("this reward model makes one number of a text, and none of a token")
    found: list[Sequence[float]] = []
    for at, rewards in enumerate(await token_scorer.score_tokens(texts)):
        if isinstance(rewards, Failure):
            raise RequestError(f"text {at} cannot be scored: {rewards.detail}")
        if not all(map(math.isfinite, rewards)):
            raise RewardError(f"text {at}: the reward of a token is not a finite number")
        found.append(rewards)
    return found


_WITHOUT_TEXTS: Mapping[str, str] = {
    "verifier": "a verifier, which checks answers in a conversation, and no texts by themselves",
    "judge": "a judge, which is asked about answers in a conversation, and no texts by themselves",
    "pairwise": "a ranker, which sets answers in a conversation against each other",
}
"""By the kind in the settings: what has no text of its own to read as it is."""


def _why_no_texts(service: Service) -> str:
    """Why what scores here takes no ready-made text, as the beginning of a sentence."""
    kinds = [each.kind for each in service.settings.rewards]
    if len(kinds) > 1:
        return "several score here together, and they read conversations only"
    said = _WITHOUT_TEXTS.get(kinds[0]) if kinds else None
    return f"what scores here is {said}" if said else "this reward model reads conversations only"


def _reward_model(service: Service) -> RewardModel:
    assert service.pipeline.reward_model is not None  # reward_name has seen to it
    return service.pipeline.reward_model


def _as_many(scores: list[Score], count: int) -> list[Score]:
    if len(scores) != count:
        raise RewardError(f"the reward model returned {len(scores)} scores for {count} texts")
    return scores


def _whole(scores: list[Score], count: int) -> list[Score]:
    _as_many(scores, count)
    for index, score in enumerate(scores):
        if score.failure is not None:
            raise RequestError(f"text {index} cannot be scored: {score.failure.detail}")
        if (failure := Score.of(score.reward).failure) is not None:
            raise RewardError(f"text {index}: {failure.detail}")
    return scores
