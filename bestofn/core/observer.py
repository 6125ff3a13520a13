"""Observers: what watches a request without standing in its way.

Tracing, metrics, a live table, a progress bar and a recorder are observers. They are told what
happens, in this order for each candidate:

    started -> snapshot* -> finished -> (score_started -> score_ended -> scored)* -> selected

Nothing wraps a generator or a reward model in order to watch it: a wrapper loses what the wrapped
one offers besides.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from bestofn.core.controller import Decision
from bestofn.core.ranking import Ranking, ScoredCandidate
from bestofn.core.types import Candidate, Request


class Observer:
    """Told what happens in a request. Override what you need; be quick, and do not raise.

    Example:
        class Count(Observer):
            def __init__(self) -> None:
                self.finished_so_far = 0

            def finished(self, request: Request, record: ScoredCandidate) -> None:
                self.finished_so_far += 1
    """

    def started(self, request: Request, indices: Sequence[int]) -> None:
        """These candidates are being sampled."""

    def snapshot(self, request: Request, candidate: Candidate) -> None:
        """A running candidate has come so far."""

    def finished(self, request: Request, record: ScoredCandidate) -> None:
        """A candidate came back and was filtered; or it failed, or was stopped."""

    def sampling_ended(self, request: Request, indices: Sequence[int]) -> None:
        """Of these candidates none is sampled any more; also when the request was cancelled."""

    def score_started(self, request: Request, count: int) -> None:
        """The reward model is called with so many candidates."""

    def score_ended(self, request: Request, count: int, seconds: float) -> None:
        """That call ended, also by an error or a cancellation."""

    def scored(self, request: Request, record: ScoredCandidate) -> None:
        """A candidate has its reward, or the failure that says why it has none."""

    def decided(self, request: Request, decision: Decision) -> None:
        """The controller asked for something."""

    def selecting(self, request: Request, count: int) -> None:
        """The selector is given so many candidates."""

    def selected(self, request: Request, ranking: Ranking) -> None:
        """The request has its ranking."""

    def ended(self, request: Request) -> None:
        """The request is over, by a ranking, an error or a cancellation; told last of all."""


class CandidateObserver(Observer):
    """Calls one function whenever more is known of a candidate: once filtered, again once scored.

    Args:
        tell: called with the candidate as it is known then.
    """

    def __init__(self, tell: Callable[[ScoredCandidate], None]) -> None:
        self._tell = tell

    def finished(self, request: Request, record: ScoredCandidate) -> None:
        """See `Observer`."""
        self._tell(record)

    def scored(self, request: Request, record: ScoredCandidate) -> None:
        """See `Observer`."""
        self._tell(record)


class Observers(Observer):
    """Tells several observers, each in turn.

    Args:
        told: in this order.
    """

    def __init__(self, *told: Observer) -> None:
        self._told = told

    def started(self, request: Request, indices: Sequence[int]) -> None:
        """See `Observer`."""
        for each in self._told:
            each.started(request, indices)

    def snapshot(self, request: Request, candidate: Candidate) -> None:
        """See `Observer`."""
        for each in self._told:
            each.snapshot(request, candidate)

    def finished(self, request: Request, record: ScoredCandidate) -> None:
        """See `Observer`."""
        for each in self._told:
            each.finished(request, record)

    def sampling_ended(self, request: Request, indices: Sequence[int]) -> None:
        """See `Observer`."""
        for each in self._told:
            each.sampling_ended(request, indices)

    def score_started(self, request: Request, count: int) -> None:
        """See `Observer`."""
        for each in self._told:
            each.score_started(request, count)

    def score_ended(self, request: Request, count: int, seconds: float) -> None:
        """See `Observer`."""
        for each in self._told:
            each.score_ended(request, count, seconds)

    def scored(self, request: Request, record: ScoredCandidate) -> None:
        """See `Observer`."""
        for each in self._told:
            each.scored(request, record)

    def decided(self, request: Request, decision: Decision) -> None:
        """See `Observer`."""
        for each in self._told:
            each.decided(request, decision)

    def selecting(self, request: Request, count: int) -> None:
        """See `Observer`."""
        for each in self._told:
            each.selecting(request, count)

    def selected(self, request: Request, ranking: Ranking) -> None:
        """See `Observer`."""
        for each in self._told:
            each.selected(request, ranking)

    def ended(self, request: Request) -> None:
        """See `Observer`."""
        for each in self._told:
            each.ended(request)


SILENT = Observer()
"""Tells nobody."""
