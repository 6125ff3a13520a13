"""Judges that read all answers in one question, several times, in random orders."""

from __future__ import annotations

import abc
import random
from collections.abc import Sequence

from bestofn.core.types import Candidate, Request, Score
from bestofn.rewards.judge.client import Decoding, JudgeClient
from bestofn.rewards.judge.comparison import score_by_comparison
from bestofn.rewards.judge.question import Answer, Questioner, QuestionTemplate


class OrdersJudge(Questioner, abc.ABC):
    """What the judges of all answers at once have in common.

    Args:
        client: asks the judge.
        question: makes the questions.
        decoding: of the replies.
        permutations: orders for each request.
    """

    compares = True

    def __init__(
        self, client: JudgeClient, question: QuestionTemplate, decoding: Decoding, permutations: int
    ) -> None:
        super().__init__(question)
        self._client = client
        self._decoding = decoding
        self._permutations = permutations

    async def score(self, request: Request, candidates: Sequence[Candidate]) -> list[Score]:
        """One `Score` per candidate, in the order given; see `bestofn.core.protocols.RewardModel`.

        Raises:
            RewardError: the judge's server failed for all of them.
        """
        return await score_by_comparison(self._judge, request, candidates)

    @abc.abstractmethod
    async def _judge(self, request: Request, answers: Sequence[Answer]) -> list[Score]:
        """The scores of at least two answers, in their order."""


def draw_orders(count: int, permutations: int, rng: random.Random) -> list[list[int]]:
    """Random orders of `count` places; every second is the one before it backwards."""
    orders: list[list[int]] = []
    for number in range(permutations):
        if number % 2:
            orders.append(orders[-1][::-1])
        else:
            orders.append(rng.sample(range(count), count))
    return orders
