"""Owns the view into a pipeline: the same seams, with a span and the metrics of each stage."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Sequence

from opentelemetry.trace import Span, Tracer

from bestofn.core.pipeline import Pipeline
from bestofn.core.protocols import Comparing, Generator, RewardModel, Sampling, Selector
from bestofn.core.ranking import ScoredCandidate
from bestofn.core.types import Candidate, Request, Score
from bestofn_server.telemetry.metrics import Metrics


def instrumented(pipeline: Pipeline, tracer: Tracer, metrics: Metrics) -> Pipeline:
    """`pipeline`, whose stages are traced and counted. Its generator is no `Forwarder` any more."""
    reward_model = pipeline.reward_model
    return dataclasses.replace(
        pipeline,
        generator=_TracedGenerator(pipeline.generator, tracer),
        selector=_TracedSelector(pipeline.selector, tracer),
        reward_model=None
        if reward_model is None
        else _TracedRewardModel(reward_model, tracer, metrics),
    )


@dataclasses.dataclass(frozen=True, slots=True)
class _TracedGenerator:
    inner: Generator
    tracer: Tracer

    def sample(self, request: Request, indices: Sequence[int]) -> Sampling:
        span = self.tracer.start_span("sample", attributes={"bestofn.candidates": len(indices)})
        try:
            return _TracedSampling(self.inner.sample(request, indices), span)
        except BaseException as error:
            span.record_exception(error)
            span.end()
            raise


class _TracedSampling:
    def __init__(self, inner: Sampling, span: Span) -> None:
        self._inner = inner
        self._span = span

    def __aiter__(self) -> Sampling:
        return self

    async def __anext__(self) -> Candidate:
        candidate = await self._inner.__anext__()
        self._span.add_event(
            "candidate",
            {"index": candidate.index, "finish_reason": candidate.finish_reason or ""},
        )
        return candidate

    def abort(self, index: int) -> None:
        self._inner.abort(index)

    async def aclose(self) -> None:
        try:
            await self._inner.aclose()
        finally:
            self._span.end()


@dataclasses.dataclass(frozen=True, slots=True)
class _TracedRewardModel:
    inner: RewardModel
    tracer: Tracer
    metrics: Metrics

    @property
    def compares(self) -> bool:
        """As the reward model itself says."""
        return isinstance(self.inner, Comparing) and self.inner.compares

    async def score(self, request: Request, candidates: Sequence[Candidate]) -> list[Score]:
        count = len(candidates)
        self.metrics.score_batch.observe(count)
        self.metrics.scoring.inc(count)
        started = time.perf_counter()
        try:
            with self.tracer.start_as_current_span(
                "score", attributes={"bestofn.candidates": count}
            ):
                return await self.inner.score(request, candidates)
        finally:
            self.metrics.scoring.dec(count)
            self.metrics.score_seconds.observe(time.perf_counter() - started)


@dataclasses.dataclass(frozen=True, slots=True)
class _TracedSelector:
    inner: Selector
    tracer: Tracer

    def select(
        self, request: Request, scored: Sequence[ScoredCandidate]
    ) -> Sequence[ScoredCandidate]:
        with self.tracer.start_as_current_span("select"):
            return self.inner.select(request, scored)
