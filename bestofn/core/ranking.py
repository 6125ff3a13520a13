"""The ranking: every sampled candidate accounted for, the best first, with what it cost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from bestofn.core.types import REWARD_ERROR, Candidate, Failure, Rejection, Request, Score, Stopped

DEADLINE = "deadline"
"""The rule that stops a request at its deadline; `Ranking.deadline_reached` looks for it."""


Outcome = Literal["accepted", "suspected", "rejected", "stopped", "failed"]
"""The five states of a candidate; see `ScoredCandidate`."""


@dataclass(frozen=True, slots=True)
class ScoredCandidate:
    """A candidate and all that is known of it; exactly one of the five states below holds.

    accepted: no rejections, no failure. suspected: nothing but uncertain rejections. rejected: at
    least one certain rejection. stopped: `failure` is a `Stopped`, which names the rule. failed:
    `failure` is anything else. A candidate that a filter rejected before it failed or was stopped
    keeps its rejections.

    Args:
        candidate: as the engine gave it.
        rejections: by every filter that objects, in the order of the filters.
        failure: why it could not be judged.
        reward: the reward model's number; None where nothing scored it.
        rank: its place, from 1; None where it was not ranked.
        components: named parts of the reward, as in its `Score`.
        cut: tokens that the reward model was not shown, as in its `Score`.
        answer_key: what of it the selector voted on; None: it did not vote.
    """

    candidate: Candidate
    rejections: tuple[Rejection, ...] = ()
    failure: Failure | None = None
    reward: float | None = None
    rank: int | None = None
    components: Mapping[str, float] = field(default_factory=dict)
    cut: int = 0
    answer_key: str | None = None

    @property
    def index(self) -> int:
        """The candidate's index."""
        return self.candidate.index

    @property
    def text(self) -> str:
        """The candidate's text."""
        return self.candidate.text

    @property
    def accepted(self) -> bool:
        """Whether it passed every filter and nothing failed."""
        return not self.rejections and self.failure is None

    @property
    def suspected(self) -> bool:
        """Whether filters only suspect it: no failure, rejections, and none of them certain."""
        return bool(self.rejections) and self.kept

    @property
    def kept(self) -> bool:
        """Whether it may be ranked: accepted or suspected."""
        if self.failure is not None:
            return False
        return not self.rejections or not any(each.certain for each in self.rejections)

    def with_score(self, score: Score) -> ScoredCandidate:
        """The same with this score; written out, since `dataclasses.replace` costs thrice as much
        and every candidate of every request comes by here."""
        return ScoredCandidate(
            self.candidate,
            self.rejections,
            score.failure,
            score.reward,
            self.rank,
            score.components,
            score.cut,
            self.answer_key,
        )

    def with_rank(self, rank: int | None, answer_key: str | None = None) -> ScoredCandidate:
        """The same at this place, with what it voted for."""
        return ScoredCandidate(
            self.candidate,
            self.rejections,
            self.failure,
            self.reward,
            rank,
            self.components,
            self.cut,
            answer_key,
        )

    @property
    def lost_to_reward_model(self) -> bool:
        """Whether it would be kept, had the reward model not failed on it."""
        if self.failure is None or self.failure.reason != REWARD_ERROR:
            return False
        return not any(each.certain for each in self.rejections)

    @property
    def outcome(self) -> Outcome:
        """Which of the five it is."""
        if self.failure is not None:
            return "failed" if self.stopped is None else "stopped"
        if self.accepted:
            return "accepted"
        return "suspected" if self.suspected else "rejected"

    @property
    def stopped(self) -> str | None:
        """The rule that stopped it before it finished or was scored; None: none did."""
        return self.failure.reason if isinstance(self.failure, Stopped) else None


@dataclass(frozen=True, slots=True)
class ChosenBy:
    """How the order of a selection came about.

    Args:
        rule: the selector's name; of one that chooses among others, the one it took.
        answer_key: the kind of key that was voted on; None: nobody voted.
        score: where the candidates' scores are from, "reward" or "mean_logprob"; None: there are
            none, or they did not count.
    """

    rule: str
    answer_key: str | None = None
    score: str | None = None


@dataclass(frozen=True, slots=True)
class Selection:
    """What a selector makes of candidates.

    Args:
        order: their indices, best first, each exactly once.
        values: what each was ordered by, where that is one number: a reward, votes, ...
        confidence: that the first is the right choice, 0 to 1; None where the selector has none.
        keys: the answer key of each candidate that has one, by index.
        chosen_by: how the order came about; None: the selector does not say.
    """

    order: tuple[int, ...]
    values: Mapping[int, float] = field(default_factory=dict)
    confidence: float | None = None
    keys: Mapping[int, str] = field(default_factory=dict)
    chosen_by: ChosenBy | None = None


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens spent on one request.

    Args:
        prompt_tokens: of the prompt, counted once; None where nobody counted.
        completion_tokens: of all sampled candidates, the thrown-out ones too; None where those of
            one of them were not counted.
        reward_tokens: what the reward model computed.
    """

    prompt_tokens: int | None = 0
    completion_tokens: int | None = 0
    reward_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Timings:
    """Wall-clock seconds of one request.

    Args:
        total: from the call to the ranking.
        first_candidate: until the first candidate finished (0 where none did).
        sampling: during which at least one candidate was being sampled.
        scoring: during which at least one score call was running; overlaps sampling.
        selection: spent in the selector.
    """

    total: float = 0.0
    first_candidate: float = 0.0
    sampling: float = 0.0
    scoring: float = 0.0
    selection: float = 0.0


@dataclass(frozen=True, slots=True)
class Ranking:
    """The result: every sampled candidate, accounted for.

    Args:
        request: what was asked.
        candidates: all of them, the ranked ones first by rank (suspected behind accepted), then
            the others by index.
        fallback: None, or the policy that was used because nothing was acceptable
            (``best_rejected``; then the ranked candidates are rejected ones).
        rounds: begun budgets of best_of candidates.
        usage: tokens spent.
        timings: seconds spent.
        deadline_reached: whether the policy's deadline stopped candidates or scores.
        notes: sentences on what was done otherwise than asked (e.g. temperature 0: sampled once).
        stopped_by: the rule that ended sampling, or scoring, before the controllers and the engine
            were done; None: none did.
        confidence: the selector's, that the winner is the right choice; None where it has none.
        values: what the selector ordered the ranked candidates by, by index.
        chosen_by: how the winner was chosen; None: nothing was ranked, or the selector does not
            say.
    """

    request: Request
    candidates: tuple[ScoredCandidate, ...]
    fallback: str | None = None
    rounds: int = 1
    usage: Usage = field(default_factory=Usage)
    timings: Timings = field(default_factory=Timings)
    deadline_reached: bool = False
    notes: tuple[str, ...] = ()
    stopped_by: str | None = None
    confidence: float | None = None
    values: Mapping[int, float] = field(default_factory=dict)
    chosen_by: ChosenBy | None = None

    @property
    def ranked(self) -> tuple[ScoredCandidate, ...]:
        """The candidates that have a rank, best first."""
        return tuple(c for c in self.candidates if c.rank is not None)

    @property
    def winner(self) -> ScoredCandidate | None:
        """The best candidate; None where nothing could be ranked."""
        return next(iter(self.ranked), None)

    @property
    def best(self) -> tuple[ScoredCandidate, ...]:
        """The `request.n` best, best first; fewer where fewer could be ranked."""
        return self.ranked[: self.request.n]

    @property
    def rejected(self) -> Mapping[str, int]:
        """How many candidates each reason threw out; one with two reasons counts in both."""
        return _reasons(c for c in self.candidates if not c.suspected)

    @property
    def suspected(self) -> Mapping[str, int]:
        """How many candidates are suspected for each reason; none of them is thrown out."""
        return _reasons(c for c in self.candidates if c.suspected)

    @property
    def failed(self) -> Mapping[str, int]:
        """How many candidates could not be judged, for each reason; the stopped among them."""
        return Counter(c.failure.reason for c in self.candidates if c.failure is not None)

    @property
    def stopped(self) -> Mapping[str, int]:
        """How many candidates each rule stopped."""
        return Counter(rule for c in self.candidates if (rule := c.stopped) is not None)

    @property
    def tokens_saved(self) -> int:
        """An estimate of the completion tokens that stopping saved: what candidates that a rule
        aborted or that were never started would have cost, had they been as long on average as
        those that finished. Long candidates are the ones that are aborted, so it is rather too low:
        one that was already longer counts as nothing. 0 where those that finished were not counted.
        """
        aborted = [each for each in self.candidates if each.stopped is not None]
        if self.stopped_by is None and not aborted:
            return 0
        finished = [
            each.candidate.counted_tokens
            for each in self.candidates
            if each.stopped is None and each.candidate.error is None
        ]
        known = [count for count in finished if count is not None]
        if not known or len(known) < len(finished):
            return 0
        mean = sum(known) / len(known)
        spent = [each.candidate.counted_tokens or 0 for each in aborted]
        never = max(0, self.request.best_of - len(self.candidates))
        return round(never * mean + sum(max(0.0, mean - tokens) for tokens in spent))


def _reasons(candidates: Iterable[ScoredCandidate]) -> Mapping[str, int]:
    return Counter(
        reason for c in candidates for reason in dict.fromkeys(r.reason for r in c.rejections)
    )
