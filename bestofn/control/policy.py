"""The policy: how a request is sampled, until when, and what happens if nothing is acceptable."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass, field
from typing import Literal

from bestofn.control.deadline import Deadline
from bestofn.control.fixed import Fixed
from bestofn.control.recent_scores import RecentScores
from bestofn.control.resample import EachRound, Resample
from bestofn.core.controller import (
    WAIT,
    Budget,
    Chain,
    Controller,
    Decision,
    Progress,
    snapshot_tokens,
)
from bestofn.core.errors import RequestError
from bestofn.core.protocols import ReadsLogprobs
from bestofn.core.ranking import DEADLINE, Ranking
from bestofn.core.types import Request

OnExhausted = Literal["resample", "best_rejected", "error"]
"""What happens when no candidate is acceptable; see `Policy`."""


@dataclass(frozen=True, slots=True)
class Policy:
    """Controls a request: as `sampling` says, until `stop` does, then another round where nothing
    is acceptable, and no longer than the deadline.

    Args:
        on_exhausted: ``resample``: sample best_of more, up to `max_rounds` rounds in all, while
            the budgets last, then as ``best_rejected``. ``best_rejected``: return the rejected
            candidate with the highest reward, flagged in `Ranking.fallback`. ``error``: raise
            `NothingAcceptableError`. Empty texts and failed candidates are never returned.
        max_rounds: rounds of sampling in all, the first included (>= 1).
        max_resample_tokens: no new round starts once this many completion tokens were sampled;
            None: no limit.
        max_resample_seconds: no new round starts after this time; None: no limit.
        grow: a new round after candidates that were cut at their limit of tokens gets so many times
            as many, up to the model's context and the budget's `candidate_tokens`; 1: as before.
        deadline_seconds: sampling is stopped after this time, and the best of what has finished
            and passed is returned (`Ranking.deadline_reached`); None: no deadline. Scores that are
            missing then are waited for only while there is none at all, so the answer may come
            later by one call of the reward model.
        sampling: how each round is sampled.
        stop: the rule that ends a request before all best_of candidates are there: what runs is
            aborted, and what was accepted by then is scored and ranked. None: none does.
        least: accepted candidates before that rule may stop or abort.
        mid_decode: what stops single candidates while they run (`Loops`, `Prune`). None: nothing.
        budget: hard caps; of candidates, without: best_of times `max_rounds`.
        recent: learns the scores of each ranking, for rules that compare with recent requests.

    Raises:
        RequestError: a number is out of its range.
    """

    on_exhausted: OnExhausted = "resample"
    max_rounds: int = 2
    max_resample_tokens: int | None = None
    max_resample_seconds: float | None = None
    grow: float = 1.0
    deadline_seconds: float | None = None
    sampling: Controller = field(default_factory=Fixed)
    stop: Controller | None = None
    least: int = 1
    mid_decode: Controller | None = None
    budget: Budget = field(default_factory=Budget)
    recent: RecentScores | None = field(default=None, compare=False)
    _chain: Controller = field(init=False, repr=False, compare=False)
    _deadline: Deadline | None = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.max_rounds < 1:
            raise RequestError(f"max_rounds is {self.max_rounds}; it must be at least 1")
        if self.deadline_seconds is not None and self.deadline_seconds <= 0:
            raise RequestError(f"the deadline is {self.deadline_seconds} s; it must be above 0")
        if not 1 <= self.grow < math.inf:
            raise RequestError(f"grow is {self.grow}; it must be a finite number of at least 1")
        if self.least < 1:
            raise RequestError(f"least is {self.least}; it must be at least 1")
        rules: list[Controller] = [EachRound(self.sampling)]
        deadline = None if self.deadline_seconds is None else Deadline(self.deadline_seconds)
        if deadline is not None:
            rules.insert(0, deadline)
        if self.on_exhausted == "resample" and self.max_rounds > 1:
            resample = Resample(
                max_rounds=self.max_rounds,
                max_tokens=self.max_resample_tokens,
                max_seconds=self.max_resample_seconds,
                grow=self.grow,
                most=self.budget.candidate_tokens,
                sampling=self.sampling,
            )
            rules.append(resample)
        if self.mid_decode is not None:
            rules.append(self.mid_decode)
        object.__setattr__(self, "_chain", Chain(tuple(rules)) if len(rules) > 1 else rules[0])
        object.__setattr__(self, "_deadline", deadline)

    @property
    def returns_rejected(self) -> bool:
        """Whether a rejected candidate may be returned where nothing is acceptable."""
        return self.on_exhausted != "error"

    def reads_logprobs(self, *, scored: bool) -> bool:
        """See `bestofn.core.protocols.ReadsLogprobs`: whether the stopping rule does."""
        return isinstance(self.stop, ReadsLogprobs) and self.stop.reads_logprobs(scored=scored)

    @property
    def compares_with_recent(self) -> bool:
        """Whether the stopping rule reads `recent`."""
        return getattr(self.stop, "recent", None) is not None

    @property
    def snapshot_tokens(self) -> int | None:
        """See `bestofn.core.mid_decode.ReadsSnapshots`."""
        return snapshot_tokens(self.sampling, self.stop, self.mid_decode)

    @property
    def stops_early(self) -> bool:
        """See `bestofn.core.mid_decode.StopsEarly`: whether there is a stopping rule."""
        return self.stop is not None

    def budget_of(self, request: Request) -> Budget:
        """The hard caps of this request.

        Raises:
            RequestError: it samples fewer candidates than a stopping rule has to leave.
        """
        if self.stop is not None and self.least > request.best_of:
            raise RequestError(
                f"stop.min is {self.least}, and best_of is {request.best_of}: sample more, or let "
                "it stop earlier"
            )
        if self.budget.candidates is not None:
            return self.budget
        return dataclasses.replace(self.budget, candidates=request.best_of * self.max_rounds)

    def decide(self, progress: Progress) -> Decision:
        """See `bestofn.core.controller.Controller`; past the deadline only the deadline decides."""
        if self._deadline is not None and progress.elapsed >= self._deadline.seconds:
            said = self._deadline.decide(progress)
            return self._at_rest(progress) if said is WAIT and progress.idle else said
        if (said := self._said(progress)) is not WAIT:
            if said.stop is not None:
                return _ended(said, said.stop, progress)
            if said.abort:
                return said
            if said.notes:
                rest = self._chain.decide(progress)
                return dataclasses.replace(rest, notes=(*said.notes, *rest.notes))
        return self._chain.decide(progress)

    def _said(self, progress: Progress) -> Decision:
        """What the stopping rule says. A client that asks for n choices gets them, where as many
        are acceptable."""
        least = max(self.least, progress.request.n)
        if self.stop is None or len(progress.accepted) < least:
            return WAIT
        return self.stop.decide(progress)

    def _at_rest(self, progress: Progress) -> Decision:
        """What ended it, where nothing runs any more past the deadline: the rule that had stopped
        it before, or the deadline, where something would still have started."""
        if (said := self._said(progress)).stop is not None:
            return said
        return Decision(stop=DEADLINE) if self._chain.decide(progress).start else WAIT

    def learn(self, ranking: Ranking) -> None:
        """See `bestofn.core.controller.RequestPolicy`."""
        if self.recent is not None:
            self.recent.learn(ranking)


def _ended(said: Decision, rule: str, progress: Progress) -> Decision:
    """What a rule's stop comes to: what runs is aborted first, and what was accepted gets its
    score, since it was paid for and one of it has to win."""
    if progress.running:
        return Decision(abort=dict.fromkeys(progress.running, rule), notes=said.notes)
    return WAIT if progress.scoring else said
