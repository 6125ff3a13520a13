"""The judge that picks: all answers in one question, in random orders, and how often each is best.

One number is easier to give than a whole ranking, which small models, and many answers, make
unreadable. Choosing among all samples by the model itself is universal self-consistency (Chen and
others 2023, arXiv 2311.17311); `bestofn.rewards.judge.itself` has the model ask itself.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence

from bestofn.core.types import Failure, Request, Score
from bestofn.rewards.judge.comparison import divide_tokens
from bestofn.rewards.judge.orders import OrdersJudge, draw_orders
from bestofn.rewards.judge.parsing import parse_pick
from bestofn.rewards.judge.question import Answer
from bestofn.rewards.judge.replies import Verdict, verdict_of
from bestofn.rewards.judge.seeding import request_random, request_seed
from bestofn.support.concurrency import gather_or_cancel


class PickJudge(OrdersJudge):
    """The reward is the share of the orders that could be read in which an answer was picked as the
    best, 0 to 1.

    Every second order is the one before it backwards, as for
    `bestofn.rewards.judge.listwise.ListwiseJudge`. Where no order can be read all candidates fail;
    one candidate alone gets `bestofn.rewards.judge.comparison.ALONE` without a question.

    Its arguments are those of `bestofn.rewards.judge.orders.OrdersJudge`.
    """

    async def _judge(self, request: Request, answers: Sequence[Answer]) -> list[Score]:
        orders = draw_orders(len(answers), self._permutations, request_random(request))
        seed = request_seed(request)
        verdicts = await gather_or_cancel(
            self._ask(request, answers, order, seed + number) for number, order in enumerate(orders)
        )
        tokens = divide_tokens(sum(verdict.tokens for verdict in verdicts), len(answers))
        picks = [verdict.value for verdict in verdicts if verdict.value is not None]
        if not picks:
            return [Score(None, own, verdicts[0].failure) for own in tokens]
        return [Score(picks.count(place) / len(picks), own) for place, own in enumerate(tokens)]

    async def _ask(
        self, request: Request, answers: Sequence[Answer], order: Sequence[int], seed: int
    ) -> Verdict[int]:
        named = {f"answer {at}": answers[place] for at, place in enumerate(order, start=1)}
        prompt = self._question.render(request, named)
        if isinstance(prompt, Failure):
            return Verdict(None, 0, prompt)
        number = {"type": "integer", "minimum": 1, "maximum": len(order)}
        schema = self._decoding.schema("best", number)
        reply = await self._client.ask(prompt, self._decoding.fields(seed), schema)
        read = functools.partial(parse_pick, count=len(order))
        return verdict_of(reply, lambda text: order[read(text)])
