"""The listwise judge: all answers in one question, in random orders, and their mean rank."""

from __future__ import annotations

import dataclasses
import functools
import statistics
from collections.abc import Sequence

from bestofn.core.types import Failure, Request, Score
from bestofn.rewards.judge.client import Schema
from bestofn.rewards.judge.comparison import divide_tokens
from bestofn.rewards.judge.orders import OrdersJudge, draw_orders
from bestofn.rewards.judge.parsing import parse_ranking
from bestofn.rewards.judge.question import Answer
from bestofn.rewards.judge.replies import UNPARSABLE, Verdict, verdict_of
from bestofn.rewards.judge.seeding import request_random, request_seed
from bestofn.support.concurrency import gather_or_cancel


class ListwiseJudge(OrdersJudge):
    """The reward is how many of the others an answer stands before, N minus its rank, on average
    over the orders that could be read: from 0 to N - 1.

    Every second order is the one before it backwards, so that a judge who prefers an end gains
    nothing for either. A reply that does not name each answer exactly once is asked for once more,
    with another order. Where no order can be read all candidates fail; one candidate alone gets
    `bestofn.rewards.judge.comparison.ALONE` without a question.

    Its arguments are those of `bestofn.rewards.judge.orders.OrdersJudge`.
    """

    async def _judge(self, request: Request, answers: Sequence[Answer]) -> list[Score]:
        orders = draw_orders(len(answers), self._permutations, request_random(request))
        seed = request_seed(request)
        asked = (
            self._ask_twice_at_most(request, answers, order, seed + 2 * number)
            for number, order in enumerate(orders)
        )
        verdicts = await gather_or_cancel(asked)
        tokens = divide_tokens(sum(verdict.tokens for verdict in verdicts), len(answers))
        rankings = [verdict.value for verdict in verdicts if verdict.value is not None]
        if not rankings:
            return [Score(None, own, verdicts[0].failure) for own in tokens]
        return [
            Score(
                statistics.fmean(len(answers) - 1 - ranking.index(place) for ranking in rankings),
                own,
            )
            for place, own in enumerate(tokens)
        ]

    async def _ask_twice_at_most(
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
        prompt = self._question.render(request, named)
        if isinstance(prompt, Failure):
            return Verdict(None, 0, prompt)
        schema = self._decoding.schema("ranking", ranking_schema(len(order)))
        reply = await self._client.ask(prompt, self._decoding.fields(seed), schema)
        verdict = verdict_of(reply, functools.partial(parse_ranking, count=len(order)))
        if verdict.value is None:
            return verdict
        return dataclasses.replace(verdict, value=[order[at] for at in verdict.value])


def ranking_schema(count: int) -> Schema:
    """JSON Schema of a ranking; that each answer is named once, it cannot say everywhere."""
    number = {"type": "integer", "minimum": 1, "maximum": count}
    return {"type": "array", "items": number, "minItems": count, "maxItems": count}
