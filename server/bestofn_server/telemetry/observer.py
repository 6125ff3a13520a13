"""Spans and metrics of one request, as an observer: nothing of the pipeline is wrapped."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from opentelemetry.trace import Span, Tracer

from bestofn.core.observer import Observer
from bestofn.core.ranking import ScoredCandidate
from bestofn.core.types import Request
from bestofn_server.telemetry.metrics import Metrics


class TelemetryObserver(Observer):
    """Makes a span of each stage (``sample`` a wave, ``score`` a call, ``select``), below the span
    that is current, and counts what the reward model does.

    Args:
        tracer: makes the spans.
        metrics: what is counted.
        sampled: called where the engine has just finished a candidate.
    """

    def __init__(
        self, tracer: Tracer, metrics: Metrics, sampled: Callable[[], None] | None = None
    ) -> None:
        self._tracer = tracer
        self._metrics = metrics
        self._sampled = sampled
        self._sample: dict[int, Span] = {}
        self._score: Span | None = None
        self._select: Span | None = None

    def started(self, request: Request, indices: Sequence[int]) -> None:
        """See `Observer`."""
        span = self._span("sample", len(indices))
        for index in indices:
            self._sample[index] = span

    def finished(self, request: Request, record: ScoredCandidate) -> None:
        """See `Observer`."""
        if self._sampled is not None and record.candidate.error is None:
            self._sampled()
        if (span := self._sample.get(record.index)) is not None:
            reason = record.candidate.finish_reason or ""
            span.add_event("candidate", {"index": record.index, "finish_reason": reason})

    def sampling_ended(self, request: Request, indices: Sequence[int]) -> None:
        """See `Observer`."""
        spans = [self._sample.pop(index) for index in indices if index in self._sample]
        if spans:
            spans[0].end()  # they are of one wave

    def score_started(self, request: Request, count: int) -> None:
        """See `Observer`."""
        self._score = self._span("score", count)
        self._metrics.score_batch.observe(count)
        self._metrics.scoring.inc(count)

    def score_ended(self, request: Request, count: int, seconds: float) -> None:
        """See `Observer`."""
        if self._score is not None:
            self._score.end()
        self._metrics.scoring.dec(count)
        self._metrics.score_seconds.observe(seconds)

    def selecting(self, request: Request, count: int) -> None:
        """See `Observer`."""
        if self._select is None:  # the accepted and the suspected are ordered in two steps
            self._select = self._span("select", count)

    def ended(self, request: Request) -> None:
        """See `Observer`."""
        if self._select is not None:
            self._select.end()

    def _span(self, stage: str, candidates: int) -> Span:
        return self._tracer.start_span(stage, attributes={"bestofn.candidates": candidates})
