"""The hard caps of a request, kept whatever its controller asks for: how many more may start, and
until when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bestofn.core.controller import (
    Budget,
    Progress,
    RequestPolicy,
    Round,
    Running,
    tokens_of,
)
from bestofn.core.no_winner import ControllerError
from bestofn.core.ranking import DEADLINE, ScoredCandidate
from bestofn.core.types import Request

BUDGET = "budget"
"""The rule that aborts what runs when tokens or seconds are used up, and that clips starts."""


_UNCOUNTED = (
    "the budget's tokens do not hold all: the backend does not count those of every candidate"
)


class Caps:
    """The caps of one request.

    Args:
        request: whose they are.
        policy: its budget, and its deadline.
        context: tokens that the model reads and writes; None: not known.

    Attributes:
        closed: whether nothing may start any more.
    """

    def __init__(self, request: Request, policy: RequestPolicy, context: int | None = None) -> None:
        self._request = request
        self._context = context
        self._budget: Budget = policy.budget_of(request)
        self._deadline = policy.deadline_seconds
        self.closed = False

    def earliest(self, wake: float | None, progress: Progress) -> float | None:
        """When to look again: at `wake`, or at a limit of time that is still ahead, whatever rule
        waits; None: not by time."""
        limits = (self._budget.seconds, self._deadline)
        ahead = [at for at in limits if at is not None and at > progress.elapsed]
        return min(ahead if wake is None else [wake, *ahead], default=None)

    def only_scores_are_late(self, progress: Progress) -> bool:
        """Whether the seconds are used up, and nothing is missing but scores, of which some have
        come."""
        seconds = self._budget.seconds
        late = seconds is not None and progress.elapsed >= seconds
        return late and progress.scoring and not progress.running and bool(progress.rewards)

    @property
    def time_limit(self) -> tuple[float, str] | None:
        """When scores are given up that are missing, and by which rule: the deadline or the
        budget, whichever is first; None: never."""
        limits = ((self._deadline, DEADLINE), (self._budget.seconds, BUDGET))
        return min(((at, rule) for at, rule in limits if at is not None), default=None)

    def spent(
        self,
        finished: Mapping[int, ScoredCandidate],
        running: Mapping[int, Running],
        elapsed: float,
    ) -> float:
        """The share of the nearest cap that is used up; see `Budget.spent`."""
        tokens = 0 if self._budget.tokens is None else tokens_of(finished, running)
        return self._budget.spent(len(finished) + len(running), tokens, elapsed)

    def used_up(self, progress: Progress) -> bool:
        """Whether tokens or seconds are; then nothing starts any more."""
        tokens, seconds = self._budget.tokens, self._budget.seconds
        late = seconds is not None and progress.elapsed >= seconds
        if late or (tokens is not None and progress.tokens >= tokens):
            self.closed = True
        return self.closed

    def blind_to(self, record: ScoredCandidate) -> Sequence[str]:
        """What is to be told of a candidate that came back: that its tokens count for nothing in
        the budget, since nobody counted them."""
        if self._budget.tokens is None:
            return ()
        counted = record.candidate.counted_tokens is not None or record.candidate.error is not None
        return () if counted else (_UNCOUNTED,)

    def fitted(self, wanted: Round | None, prompt_tokens: int | None) -> Round | None:
        """The round with as many tokens a candidate as the model and the budget leave room for; one
        for which there is no room above the request's own limit has that.

        Args:
            wanted: what a controller asks for; None stays.
            prompt_tokens: of the request; None: not known.
        """
        if wanted is None or wanted.max_tokens is None:
            return wanted
        limits = [wanted.max_tokens, self._budget.candidate_tokens]
        if self._context is not None:
            limits.append(self._context - (prompt_tokens or 0))
        limit = min(each for each in limits if each is not None)
        raised = limit > (self._request.max_tokens or 0)
        return Round(wanted.first, limit if raised else None)

    def allowed(self, wanted: int, started: int, *, idle: bool) -> int:
        """How many of `wanted` candidates may start where `started` have been; 0: none.

        Raises:
            ControllerError: all that was asked for has been sampled, nothing else happens, and the
                controller still wants more.
        """
        cap = self._budget.candidates
        count = wanted if cap is None else min(wanted, cap - started)
        if count > 0 and not self.closed:
            return count
        if not self.closed and idle and cap is not None and cap >= self._request.best_of:
            raise ControllerError(
                f"the controller would start candidates for ever: {started} were sampled, which is "
                "the most for this request"
            )
        return 0
