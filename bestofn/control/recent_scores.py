"""Recent scores: what the candidates of recent requests were worth, to compare new ones with."""

from __future__ import annotations

import statistics
from collections import deque
from collections.abc import Iterable, Sequence

from bestofn.control.votes import score_of
from bestofn.core.ranking import Ranking

LEAST = 64
"""Scores that have to be known before anything is said of them: the standard error of a quantile
near the middle is then about 0.06 of the distribution."""

MOST = 2048
"""Scores that are kept, the newest: some hundred requests, so that it follows the traffic."""


class RecentScores:
    """The scores of the last accepted candidates of one model, over all requests.

    Args:
        rewards: whether a reward model scores: then rewards, else mean logprobs.
    """

    def __init__(self, *, rewards: bool) -> None:
        self.rewards = rewards
        self._scores: deque[float] = deque(maxlen=MOST + LEAST)
        self._seen = 0
        self._summed: tuple[int, Sequence[float], tuple[float, float]] = (0, (), (0.0, 0.0))

    def learn(self, ranking: Ranking) -> None:
        """Remember the scores of this ranking's accepted candidates."""
        scores = (
            score_of(each, rewards=self.rewards) for each in ranking.candidates if each.accepted
        )
        self.add(score for score in scores if score is not None)

    def add(self, scores: Iterable[float]) -> None:
        """Remember these scores, oldest first."""
        for score in scores:
            self._scores.append(score)
            self._seen += 1

    def quantile(self, share: float) -> float | None:
        """The score that this share (0 to 1) of the recent candidates does not exceed; None while
        fewer than 64 are known. It moves only with every 64th candidate."""
        if len(self._scores) < LEAST:
            return None
        _, cuts, _ = self._sums()
        return cuts[min(98, max(0, round(share * 100) - 1))]

    def spread(self) -> tuple[float, float] | None:
        """Mean and standard deviation; None while fewer than 64 scores are known. As `quantile`,
        they move only with every 64th candidate."""
        if len(self._scores) < LEAST:
            return None
        return self._sums()[2]

    def _sums(self) -> tuple[int, Sequence[float], tuple[float, float]]:
        turn = self._seen // LEAST
        if self._summed[0] != turn:
            # Those of whole turns, so that it does not depend on when somebody asks.
            scores = list(self._scores)[: len(self._scores) - self._seen % LEAST][-MOST:]
            cuts = statistics.quantiles(scores, n=100, method="inclusive")
            spread = statistics.fmean(scores), statistics.pstdev(scores)
            self._summed = turn, cuts, spread
        return self._summed
