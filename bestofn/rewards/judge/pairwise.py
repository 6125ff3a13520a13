"""The pairwise judge: answers two at a time, each pair in both orders, and who wins most."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bestofn.core.types import Candidate, Failure, Request, Score
from bestofn.rewards.judge.client import Decoding, JudgeClient, Schema
from bestofn.rewards.judge.comparison import divide_tokens, score_by_comparison
from bestofn.rewards.judge.pair_schedule import Pair, schedule_pairs
from bestofn.rewards.judge.parsing import Winner, parse_winner
from bestofn.rewards.judge.question import Answer, Questioner, QuestionTemplate
from bestofn.rewards.judge.replies import Verdict, verdict_of
from bestofn.rewards.judge.seeding import request_random, request_seed
from bestofn.support.concurrency import gather_or_cancel

POINTS: dict[tuple[Winner, Winner], float] = {("A", "B"): 1.0, ("B", "A"): 0.0}
"""Of the first of a pair, by the verdicts with it in front and behind: where the two orders do not
name the same one, it is half each (position bias, or a tie)."""

SCHEMA: Schema = {"type": "string", "enum": ["A", "B", "tie"]}
"""JSON Schema of which is better."""


@dataclass(frozen=True, slots=True)
class PairResult:
    """One pair, judged in both orders.

    Args:
        pair: the places of the two.
        points: of the first, of 1; None: not both orders could be read.
        tokens: of both questions.
        failure: why there are no points.
    """

    pair: Pair
    points: float | None
    tokens: int
    failure: Failure | None = None


class PairwiseJudge(Questioner):
    """The reward is how many of the others an answer beats: its share of the points in the pairs
    that could be read, times N - 1. A draw is half a point each.

    A pair whose two orders disagree is a draw; one of which an order cannot be read does not count,
    since that order is what would show the judge's position bias. A candidate without a readable
    pair fails; one alone gets `bestofn.rewards.judge.comparison.ALONE` without a question.

    Args:
        client: asks the judge.
        question: makes the questions.
        decoding: of the replies.
        all_pairs_up_to: see `bestofn.rewards.judge.pair_schedule`.
    """

    compares = True

    def __init__(
        self,
        client: JudgeClient,
        question: QuestionTemplate,
        decoding: Decoding,
        all_pairs_up_to: int,
    ) -> None:
        self._client = client
        super().__init__(question)
        self._decoding = decoding
        self._all_pairs_up_to = all_pairs_up_to

    async def score(self, request: Request, candidates: Sequence[Candidate]) -> list[Score]:
        """One `Score` per candidate, in the order given; see `bestofn.core.protocols.RewardModel`.

        Raises:
            RewardError: the judge's server failed for all of them.
        """
        return await score_by_comparison(self._judge, request, candidates)

    async def _judge(self, request: Request, answers: Sequence[Answer]) -> list[Score]:
        pairs = schedule_pairs(len(answers), request_random(request), self._all_pairs_up_to)
        results = await gather_or_cancel(self._compare(request, answers, pair) for pair in pairs)
        return [_score(place, len(answers), results) for place in range(len(answers))]

    async def _compare(self, request: Request, answers: Sequence[Answer], pair: Pair) -> PairResult:
        front, back = await gather_or_cancel(
            self._ask(request, [answers[place] for place in order]) for order in (pair, pair[::-1])
        )
        tokens = front.tokens + back.tokens
        if front.value is None or back.value is None:
            return PairResult(pair, None, tokens, front.failure or back.failure)
        return PairResult(pair, POINTS.get((front.value, back.value), 0.5), tokens)

    async def _ask(self, request: Request, two: Sequence[Answer]) -> Verdict[Winner]:
        first, second = two
        prompt = self._question.render(request, {"answer A": first, "answer B": second})
        if isinstance(prompt, Failure):
            return Verdict(None, 0, prompt)
        fields = self._decoding.fields(request_seed(request))
        schema = self._decoding.schema("better", SCHEMA)
        return verdict_of(await self._client.ask(prompt, fields, schema), parse_winner)


def _score(place: int, count: int, results: Sequence[PairResult]) -> Score:
    own = [meeting for meeting in results if place in meeting.pair]
    tokens = sum(divide_tokens(each.tokens, 2)[each.pair.index(place)] for each in own)
    points = [
        each.points if each.pair[0] == place else 1 - each.points
        for each in own
        if each.points is not None
    ]
    if not points:
        return Score(None, tokens, own[0].failure)
    return Score((count - 1) * sum(points) / len(points), tokens)
