"""Controllers: what decides when candidates are started, aborted and scored, and when it is enough.

A controller decides and does nothing; the driver (`bestofn.core.driver`) does and decides nothing:

    events (a candidate finished, a score came, a snapshot came, `wake` passed)
      -> Progress (all that is known) -> Controller.decide -> Decision -> the driver does it

A controller of one's own is a class with one method. This one samples four at a time, until three
candidates are acceptable or all `best_of` were sampled:

    class UntilThree:
        def decide(self, progress: Progress) -> Decision:
            if not progress.idle or len(progress.accepted) >= 3:
                return WAIT
            return Decision(start=min(4, progress.request.best_of - progress.sampled))

Those that ship are in `bestofn.control`, one a file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from bestofn.core.errors import RequestError
from bestofn.core.mid_decode import ReadsSnapshots
from bestofn.core.protocols import ReadsLogprobs
from bestofn.core.ranking import Ranking, ScoredCandidate
from bestofn.core.types import Candidate, Rejection, Request


@dataclass(frozen=True, slots=True)
class Budget:
    """Hard caps of one request, which the driver keeps whatever a controller asks for.

    Beyond a cap nothing is started.

    Args:
        candidates: sampled in all; starts beyond it are clipped. None: no cap.
        tokens: of completions; once so many were sampled what runs is aborted, and what has
            finished is scored and ranked. None: no cap.
        seconds: of wall clock, from the request's start; then what runs is aborted, and scores are
            waited for only while there is none at all. None: no cap.
        candidate_tokens: of one candidate's completion, where a later round raises the request's
            own limit (`Round.max_tokens`). None: the model's context is the cap.

    Raises:
        RequestError: a cap is below 0, or no number.
    """

    candidates: int | None = None
    tokens: int | None = None
    seconds: float | None = None
    candidate_tokens: int | None = None

    def __post_init__(self) -> None:
        for name in ("candidates", "tokens", "seconds", "candidate_tokens"):
            cap = getattr(self, name)
            if cap is not None and not cap >= 0:
                raise RequestError(f"the budget's {name} is {cap}; it must be at least 0")

    def spent(self, candidates: int, tokens: int, elapsed: float) -> float:
        """The share of the cap that is nearest: 0 nothing, 1 or more all of it."""
        spent = 0.0
        if self.candidates is not None:
            spent = candidates / self.candidates if self.candidates else 1.0
        if self.tokens is not None:
            spent = max(spent, tokens / self.tokens if self.tokens else 1.0)
        if self.seconds is not None:
            spent = max(spent, elapsed / self.seconds if self.seconds else 1.0)
        return spent


@dataclass(frozen=True, slots=True)
class Round:
    """A budget of best_of candidates, in however many waves.

    Args:
        first: index of its first candidate; those of earlier rounds are below it.
        max_tokens: of each of its candidates; None: the request's own limit.
    """

    first: int = 0
    max_tokens: int | None = None


class Running(NamedTuple):
    """A candidate that is being sampled.

    Args:
        index: its number within the request.
        latest: the newest snapshot; None where the generator has sent none.
        tokens: of that snapshot; 0 where it is not known.
        reward: of the newest snapshot that was scored; None: none was.
        scored_at: tokens of the snapshot that has `reward`.
        rejection: the certain one that the finished candidate will have, whatever follows; None:
            none is known.
        checked_at: tokens of the newest snapshot that filters were shown.
        aborted_by: the rule that has stopped it, while it has not come back; None: none has.
    """

    index: int  # type: ignore[assignment]  # a field, and not tuple's method
    latest: Candidate | None = None
    tokens: int = 0
    reward: float | None = None
    scored_at: int = 0
    rejection: Rejection | None = None
    checked_at: int = 0
    aborted_by: str | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """All that is known of a request at one moment: a view, to be read and not kept.

    Args:
        request: what is asked.
        finished: every candidate that came back, by index, filtered and, where it has come, with
            its reward. Those of an earlier ranking are among them.
        running: every candidate that is being sampled, by index.
        scoring: whether candidates wait for their score, snapshots among them.
        waves: how often candidates were started.
        rounds: begun budgets of best_of candidates: 1 while the first best_of are sampled, however
            many waves that takes. Those of an earlier ranking count on.
        elapsed: seconds since the request began.
        spent: share of the budget that is used up; from 1 on nothing is started any more.
        round: the one that is sampled, as the decision that began it said.
    """

    request: Request
    finished: Mapping[int, ScoredCandidate]
    running: Mapping[int, Running]
    scoring: bool
    waves: int
    rounds: int
    elapsed: float
    spent: float = 0.0
    round: Round = Round()

    @property
    def accepted(self) -> Sequence[ScoredCandidate]:
        """The finished that no filter threw out or suspects, in order of completion."""
        return [each for each in self.finished.values() if each.accepted]

    @property
    def kept(self) -> Sequence[ScoredCandidate]:
        """The accepted and the suspected, in order of completion."""
        return [each for each in self.finished.values() if each.kept]

    @property
    def rewards(self) -> Sequence[float]:
        """The rewards that have come, in order of completion."""
        return [each.reward for each in self.finished.values() if each.reward is not None]

    @property
    def tokens(self) -> int:
        """Completion tokens sampled, those of snapshots too."""
        return tokens_of(self.finished, self.running)

    @property
    def sampled(self) -> int:
        """How many candidates there are, finished and running."""
        return len(self.finished) + len(self.running)

    @property
    def idle(self) -> bool:
        """Whether nothing happens any more unless something is started."""
        return not self.running and not self.scoring


def tokens_of(finished: Mapping[int, ScoredCandidate], running: Mapping[int, Running]) -> int:
    """Completion tokens of candidates, with those of the snapshots of running ones."""
    done = sum(each.candidate.counted_tokens or 0 for each in finished.values())
    return done + sum(each.tokens for each in running.values())


@dataclass(frozen=True, slots=True)
class Decision:
    """What the driver is to do now; the empty decision (`WAIT`) waits for the next event.

    Where nothing runs and nothing waits for a score, a decision that starts nothing ends the
    request.

    Args:
        start: how many more candidates to start, within the budget.
        abort: candidates to stop, each with the name of the rule that stops it.
        score: running candidates whose newest snapshot is to be scored.
        check: running candidates whose newest snapshot is to be shown to the filters that foresee.
        stop: ends the request, with the name of the rule: what runs is aborted, what waits for a
            score is given up, and what is there is ranked.
        wake: seconds of `Progress.elapsed` at which to be asked again, if nothing happens before.
        notes: sentences for `Ranking.notes`.
        round: begins with what is started; its limit is clipped to what the model takes. None: the
            round goes on.
    """

    start: int = 0
    abort: Mapping[int, str] = field(default_factory=dict)
    score: frozenset[int] = frozenset()
    stop: str | None = None
    wake: float | None = None
    notes: tuple[str, ...] = ()
    round: Round | None = None
    check: frozenset[int] = frozenset()


WAIT = Decision()
"""The empty decision."""


class Controller(Protocol):
    """Decides what happens next in a request."""

    def decide(self, progress: Progress) -> Decision:
        """What to do now. Asked after each turn of the event loop in which something happened.

        Pure and quick: it runs on the event loop, and one controller serves many requests. One that
        raises fails its request.
        """
        ...


class RequestPolicy(Controller, Protocol):
    """The controller of a pipeline, with what else holds for each of its requests."""

    @property
    def deadline_seconds(self) -> float | None:
        """When the request is to be answered with what is there; None: whenever it is done."""
        ...

    @property
    def returns_rejected(self) -> bool:
        """Whether a rejected candidate may be returned where nothing is acceptable."""
        ...

    def budget_of(self, request: Request) -> Budget:
        """The hard caps of this request.

        Raises:
            RequestError: the request contradicts the policy.
        """
        ...

    def learn(self, ranking: Ranking) -> None:
        """Told of each request's result, so that later requests may be compared with it. Quick,
        and must not raise."""
        ...


def snapshot_tokens(*controllers: object) -> int | None:
    """After how many tokens the first of these wants another snapshot; None: none reads any."""
    asked = [each.snapshot_tokens for each in controllers if isinstance(each, ReadsSnapshots)]
    return min((tokens for tokens in asked if tokens is not None), default=None)


@dataclass(frozen=True, slots=True)
class Chain:
    """Several controllers as one: starts add up, aborts and scores unite, the first stop wins, the
    earliest wake counts. Where two abort a candidate, the first names the rule.

    Args:
        controllers: asked in this order.
    """

    controllers: tuple[Controller, ...]

    @property
    def snapshot_tokens(self) -> int | None:
        """See `bestofn.core.mid_decode.ReadsSnapshots`: the least that one of them asks for."""
        return snapshot_tokens(*self.controllers)

    def reads_logprobs(self, *, scored: bool) -> bool:
        """See `bestofn.core.protocols.ReadsLogprobs`: whether one of them does."""
        return any(
            isinstance(each, ReadsLogprobs) and each.reads_logprobs(scored=scored)
            for each in self.controllers
        )

    def decide(self, progress: Progress) -> Decision:
        """The united decision; see the class."""
        said = [each for one in self.controllers if (each := one.decide(progress)) is not WAIT]
        if len(said) < 2:
            return said[0] if said else WAIT
        abort: dict[int, str] = {}
        for each in reversed(said):
            abort.update(each.abort)
        return Decision(
            start=sum(each.start for each in said),
            abort=abort,
            score=frozenset().union(*(each.score for each in said)),
            stop=next((each.stop for each in said if each.stop is not None), None),
            wake=min((each.wake for each in said if each.wake is not None), default=None),
            notes=tuple(note for each in said for note in each.notes),
            round=next((each.round for each in said if each.round is not None), None),
            check=frozenset().union(*(each.check for each in said)),
        )
