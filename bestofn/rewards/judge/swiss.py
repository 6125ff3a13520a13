"""The pairwise judge as a Swiss tournament: three rounds, in which equals meet.

    N answers: at most 3 N questions, each pair in both orders, instead of N (N - 1)

Source: pairwise self-verification with pairs drawn as in a Swiss tournament (arXiv 2603.04304).
"""

from __future__ import annotations

from collections.abc import Sequence

from bestofn.core.types import Request, Score
from bestofn.rewards.judge.client import Decoding, JudgeClient
from bestofn.rewards.judge.comparison import divide_tokens
from bestofn.rewards.judge.pair_schedule import Pair
from bestofn.rewards.judge.pairwise import PairResult, PairwiseJudge
from bestofn.rewards.judge.question import Answer, QuestionTemplate
from bestofn.rewards.judge.seeding import request_random
from bestofn.rewards.judge.strengths import expected_wins
from bestofn.support.concurrency import gather_or_cancel

ROUNDS = 3
"""N / 2 pairs in both orders each: 3 N questions. Each answer meets three others, and two where it
sits out once because their number is odd; of two or three answers all meet."""


class SwissJudge(PairwiseJudge):
    """The reward is how many of the others an answer is expected to beat, by strengths fitted to
    the pairs that could be read (`bestofn.rewards.judge.strengths`).

    The first round is drawn by lot; then the best meet the best, none twice. With a judge that is
    always right three rounds leave one of up to eight unbeaten, and two of sixteen. Draws and pairs
    that cannot be read are as for `PairwiseJudge`: an answer without a readable pair fails.

    Args:
        client: asks the judge.
        question: makes the questions.
        decoding: of the replies.
    """

    def __init__(self, client: JudgeClient, question: QuestionTemplate, decoding: Decoding) -> None:
        super().__init__(client, question, decoding, all_pairs_up_to=1)

    async def _judge(self, request: Request, answers: Sequence[Answer]) -> list[Score]:
        count = len(answers)
        lots = request_random(request).sample(range(count), count)
        results: list[PairResult] = []
        for _ in range(ROUNDS):
            pairs = next_pairs(count, lots, results)
            asked = (self._compare(request, answers, pair) for pair in pairs)
            results += await gather_or_cancel(asked)
        read = [(*each.pair, each.points) for each in results if each.points is not None]
        rewards = expected_wins(count, read)
        return [_score(place, rewards[place], results) for place in range(count)]


def next_pairs(count: int, lots: Sequence[int], results: Sequence[PairResult]) -> list[Pair]:
    """The pairs of the next round, none of which has met.

    Those with the highest share of points come first, ties by lot; each meets the next one that it
    has not met. Where the number is odd the last one that has not sat out does. Two that are left
    over and have met change partners with a pair before them; if none can, they sit out.

    Args:
        count: of the answers.
        lots: their order where nothing else decides.
        results: of the rounds before.
    """
    met = [set[int]() for _ in range(count)]
    points: list[list[float]] = [[] for _ in range(count)]
    for each in results:
        first, second = each.pair
        met[first].add(second)
        met[second].add(first)
        if each.points is not None:
            points[first].append(each.points)
            points[second].append(1 - each.points)
    shares = [sum(own) / len(own) if own else 0.5 for own in points]
    waiting = sorted(lots, key=lambda place: -shares[place])  # stable: ties stay as by lot
    if count % 2:
        most = max(map(len, met))
        waiting.remove(next(place for place in reversed(waiting) if len(met[place]) == most))
    pairs: list[Pair] = []
    while len(waiting) > 1:
        first = waiting.pop(0)
        other = next((place for place in waiting if place not in met[first]), None)
        if other is not None:
            waiting.remove(other)
            pairs.append((first, other))
        elif (changed := _changed(pairs, first, waiting, met)) is not None:
            pairs, waiting = changed
    return pairs


def _changed(
    pairs: Sequence[Pair], one: int, waiting: Sequence[int], met: Sequence[set[int]]
) -> tuple[list[Pair], list[int]] | None:
    """The pairs and who still waits, after `one` and the next in line have changed partners with
    the latest pair that lets them; None: none does."""
    two = waiting[0]
    for at in reversed(range(len(pairs))):
        for a, b in (pairs[at], pairs[at][::-1]):
            if a not in met[one] and b not in met[two]:
                changed = [*pairs[:at], (a, one), (b, two), *pairs[at + 1 :]]
                return changed, [*waiting[1:]]
    return None


def _score(place: int, reward: float, results: Sequence[PairResult]) -> Score:
    own = [each for each in results if place in each.pair]
    tokens = sum(divide_tokens(each.tokens, 2)[each.pair.index(place)] for each in own)
    if all(each.points is None for each in own):
        return Score(None, tokens, own[0].failure)
    return Score(reward, tokens)
