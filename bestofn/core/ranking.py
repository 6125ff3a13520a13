"""Owns the result of a request: every candidate accounted for, ranked, with what it cost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from bestofn.core.types import Candidate, Failure, Rejection, Request


@dataclass(frozen=True, slots=True)
class ScoredCandidate:
    """A candidate and all that is known of it; exactly one of the three states below holds.

    accepted: no rejections, no failure. rejected: at least one rejection. failed: `failure` is set
    (a candidate that a filter rejected before the fault keeps its rejections). `components` and
    `cut` are those of its `Score`.
    """

    candidate: Candidate
    rejections: tuple[Rejection, ...] = ()
    failure: Failure | None = None
    reward: float | None = None
    rank: int | None = None
    components: Mapping[str, float] = field(default_factory=dict)
    cut: int = 0

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
        """Whether all that speaks against it is uncertain: it stands behind every accepted one."""
        certain = any(rejection.certain for rejection in self.rejections)
        return self.failure is None and bool(self.rejections) and not certain


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens spent on one request.

    Args:
        prompt_tokens: of the prompt, counted once.
        completion_tokens: of all sampled candidates, the thrown-out ones too.
        reward_tokens: what the reward model computed.
    """

    prompt_tokens: int = 0
    completion_tokens: int = 0
    reward_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Timings:
    """Wall-clock seconds of one request.

    Args:
        total: from the call to the ranking.
        first_candidate: until the first candidate finished (0 where none did).
        sampling: until the last candidate finished, summed over rounds.
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
        candidates: all of them, the ranked ones first by rank, then the others by index.
        fallback: None, or the policy that was used because nothing was acceptable
            (``best_rejected``; then the ranked candidates are rejected ones).
        rounds: how many rounds were sampled.
        usage: tokens spent.
        timings: seconds spent.
        deadline_reached: whether the policy's deadline stopped candidates or scores.
        notes: sentences on what was done otherwise than asked (e.g. temperature 0: sampled once).
    """

    request: Request
    candidates: tuple[ScoredCandidate, ...]
    fallback: str | None = None
    rounds: int = 1
    usage: Usage = field(default_factory=Usage)
    timings: Timings = field(default_factory=Timings)
    deadline_reached: bool = False
    notes: tuple[str, ...] = ()

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
        return Counter(
            reason for c in self.candidates for reason in {r.reason for r in c.rejections}
        )

    @property
    def failed(self) -> Mapping[str, int]:
        """How many candidates failed for each reason."""
        return Counter(c.failure.reason for c in self.candidates if c.failure is not None)
