"""Owns the listwise judge: all answers in one question, in random orders, and their mean rank."""

from __future__ import annotations

import dataclasses
import functools
import random
import statistics
from collections.abc import Sequence

from bestofn.core.types import Candidate, Failure, Request, Score
from bestofn.rewards.judge.client import Asker, Decoding, Schema
from bestofn.rewards.judge.comparison import compared, shares
from bestofn.rewards.judge.parsing import ranking_in
from bestofn.rewards.judge.question import Answer, Question
from bestofn.rewards.judge.replies import UNPARSABLE, Verdict, read
from bestofn.rewards.judge.seeding import random_of, seed_of
from bestofn.support.concurrency import gather_or_cancel


class ListwiseJudge:
    """The reward is how many of the others an answer stands before, N minus its rank, on average
    over the orders that could be read: from 0 to N - 1.

    Every second order is the one before it backwards, so that a judge who prefers an end gains
    nothing for either. A reply that does not name each answer exactly once is asked for once more,
    with another order. Where no order can be read all candidates fail; one candidate alone gets
    `bestofn.rewards.judge.comparison.ALONE` without a question.

    Args:
        asker: asks the judge.
        question: makes the questions.
        decoding: of the replies.
        permutations: orders for each request.
    """

    compares = True

    def __init__(
        self, asker: Asker, question: Question, decoding: Decoding, permutations: int
    ) -> None:
        self._asker = asker
        self._question = question
        self._decoding = decoding
        self._permutations = permutations

    async def score(self, request: Request, candidates: Sequence[Candidate]) -> list[Score]:
        """One `Score` per candidate, in the order given; see `bestofn.core.protocols.RewardModel`.

        Raises:
            RewardError: the judge's server failed for all of them.
        """
        return await compared(self._judge, request, candidates)

    async def _judge(self, request: Request, answers: Sequence[Answer]) -> list[Score]:
        orders = orders_of(len(answers), self._permutations, random_of(request))
        seed = seed_of(request)
        asked = (
            self._persistent(request, answers, order, seed + 2 * number)
            for number, order in enumerate(orders)
        )
        verdicts = await gather_or_cancel(asked)
        tokens = shares(sum(verdict.tokens for verdict in verdicts), len(answers))
        rankings = [verdict.found for verdict in verdicts if verdict.found is not None]
        if not rankings:
            return [Score(None, own, verdicts[0].failure) for own in tokens]
        return [
            Score(
                statistics.fmean(len(answers) - 1 - ranking.index(place) for ranking in rankings),
                own,
            )
            for place, own in enumerate(tokens)
        ]

    async def _persistent(
        self, request: Request, answers: Sequence[Answer], order: Sequence[int], seed: int
    ) -> Verdict[list[int]]:
        """The answers' places, best first, as read in one order or, if need be, another."""
        first = await self._ask(request, answers, order, seed)
        if first.failure is None or first.failure.reason != UNPARSABLE:
            return first
        again = await self._ask(request, answers, [*order[1:], order[0]], seed + 1)
        return dataclasses.replace(again, tokens=first.tokens + again.tokens)

    async def _ask(
        self, request: Request, answers: Sequence[Answer], order: Sequence[int], seed: int
    ) -> Verdict[list[int]]:
        named = {f"answer {at}": answers[place] for at, place in enumerate(order, start=1)}
        prompt = self._question.about(request, named)
        if isinstance(prompt, Failure):
            return Verdict(None, 0, prompt)
        schema = self._decoding.schema("ranking", schema_of(len(order)))
        reply = await self._asker.ask(prompt, self._decoding.fields(seed), schema)
        verdict = read(reply, functools.partial(ranking_in, count=len(order)))
        if verdict.found is None:
            return verdict
        return dataclasses.replace(verdict, found=[order[at] for at in verdict.found])


def orders_of(count: int, permutations: int, draw: random.Random) -> list[list[int]]:
    """Random orders of `count` places; every second is the one before it backwards."""
    orders: list[list[int]] = []
    for number in range(permutations):
        if number % 2:
            orders.append(orders[-1][::-1])
        else:
            orders.append(draw.sample(range(count), count))
    return orders


def schema_of(count: int) -> Schema:
    """JSON Schema of a ranking; that each answer is named once, it cannot say everywhere."""
    number = {"type": "integer", "minimum": 1, "maximum": count}
    return {"type": "array", "items": number, "minItems": count, "maxItems": count}
