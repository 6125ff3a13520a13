"""Evidence: stop once the leading answer is both good and agreed on."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from bestofn.control.agreement import Agreement
from bestofn.control.fixed import most
from bestofn.control.recent_scores import RecentScores
from bestofn.control.votes import Votes, nothing_to_save, scores_of
from bestofn.core.controller import WAIT, Decision, Progress
from bestofn.core.errors import ConfigError
from bestofn.core.protocols import AnswerKey

EVIDENCE = "evidence"
"""The rule's name, as aborted candidates and the ranking carry it."""

QUANTILE = 0.65
"""Of the rewards of recent traffic: the score that stands for what was not sampled. The
figures of `Evidence.share` were measured with it."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """Turns scores into masses, adds up those of equal answers, and stops once the leading answer
    holds `share` of everything seen plus one mass for what was not seen:

        mass(answer) = sum of exp(score / temperature) of its candidates
        stop where   max mass >= share * (sum of all masses + exp(prior / temperature))

    A candidate without an answer key is an answer of its own. While nothing is known of the prior,
    or no candidate has a score, it stops by agreement alone (`Agreement`).

    Args:
        answer_key: what is voted on.
        rewards: whether scores are rewards; else they are mean logprobs.
        share: above 0 and below 1. Replayed over 300 prompts of the embedded pair, one by one, 0.5
            reached best-of-16's accuracy with 0.28 of its tokens, 0.7 went 2.8 % above it with
            0.41 (``python -m benchmarks.stopping``).
        temperature: of the masses, in units of the score, above 0; None: 0.5 for rewards, 0.25 for
            mean logprobs, as measured.
        prior: the score that stands for what was not sampled; None: the 0.65 quantile of `recent`.
        recent: scores of recent requests.

    Raises:
        ConfigError: a number is out of its range.
    """

    answer_key: AnswerKey | None
    rewards: bool
    share: float = 0.7
    temperature: float | None = None
    prior: float | None = None
    recent: RecentScores | None = None
    _voted: Votes = field(init=False, repr=False, compare=False)
    _agreement: Agreement = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_voted", Votes(self.answer_key))
        object.__setattr__(self, "_agreement", Agreement(self.answer_key))
        if not 0 < self.share < 1:
            raise ConfigError(f"evidence: share is {self.share}; it must be between 0 and 1")
        if self.temperature is not None and not self.temperature > 0:
            raise ConfigError(f"evidence: temperature is {self.temperature}; it must be above 0")
        if self.prior is not None and not math.isfinite(self.prior):
            raise ConfigError(f"evidence: prior is {self.prior}; it must be a finite number")

    def reads_logprobs(self, *, scored: bool) -> bool:
        """See `bestofn.core.protocols.ReadsLogprobs`."""
        return not self.rewards

    def decide(self, progress: Progress) -> Decision:
        """See `bestofn.core.controller.Controller`."""
        if nothing_to_save(progress, most(progress.request)):
            return WAIT
        prior = self.prior
        if prior is None and self.recent is not None:
            prior = self.recent.quantile(QUANTILE)
        scores = scores_of(progress, rewards=self.rewards)
        if prior is None or not scores:
            return self._agreement.decide(progress)
        keys = self._voted.keys(progress)
        temperature = self.temperature or (0.5 if self.rewards else 0.25)
        held = leading_share(scores, keys, prior, temperature)
        return Decision(stop=EVIDENCE) if held >= self.share else WAIT


def leading_share(
    scores: Mapping[int, float], keys: Mapping[int, str], prior: float, temperature: float
) -> float:
    """The leading answer's share of all masses and the prior's, 0 to 1; see `Evidence`.

    Args:
        scores: by index; at least one.
        keys: the answer of each, by index; one without is an answer of its own.
        prior: a score.
        temperature: of the masses.
    """
    highest = max(prior, *scores.values())  # exponents stay below 0: nothing overflows
    masses: dict[str | int, float] = defaultdict(float)
    for index, score in scores.items():
        masses[keys.get(index, index)] += math.exp((score - highest) / temperature)
    unseen = math.exp((prior - highest) / temperature)
    return max(masses.values()) / (sum(masses.values()) + unseen)
