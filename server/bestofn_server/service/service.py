"""The service: a request's way from admission through ranking or pass-through to the metrics."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import logging
import math
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from typing import Any

from opentelemetry._logs import Logger
from opentelemetry.trace import Tracer, get_current_span

from bestofn.core.best_of_n import best_of_n
from bestofn.core.no_winner import GeneratorBusyError, GeneratorError, NoWinnerError
from bestofn.core.observer import Observer, Observers
from bestofn.core.pipeline import Pipeline
from bestofn.core.protocols import Filter, Forwarder
from bestofn.core.ranking import Ranking
from bestofn.core.tokenizing import Tokenizing
from bestofn.core.types import Request
from bestofn.settings.sections import FilterSpec
from bestofn.settings.settings import Settings
from bestofn_server.admission import ANYBODY, Admission
from bestofn_server.errors import (
    ClientCodeError,
    EngineError,
    NotOfferedError,
    OverloadedError,
)
from bestofn_server.http.bodies import Bodies
from bestofn_server.service.chosen import chosen_filters, said_of
from bestofn_server.service.clock import RequestClock
from bestofn_server.service.job import Job, plan
from bestofn_server.service.presets import Presets
from bestofn_server.service.readiness import Readiness
from bestofn_server.service.several import each_ranked
from bestofn_server.telemetry import gen_ai
from bestofn_server.telemetry.labels import NOBODY, Served
from bestofn_server.telemetry.metrics import Metrics
from bestofn_server.telemetry.observer import TelemetryObserver
from bestofn_server.wire.requests import ChatRequest, CompletionRequest
from bestofn_server.wire.tool_choice import require_tools

logger = logging.getLogger(__name__)

_NO_HEADERS: Mapping[str, str] = {}


@dataclasses.dataclass(frozen=True, slots=True)
class Service:
    """Everything that the routes share; make it with `open_service`.

    Args:
        settings: as loaded.
        pipeline: what ranks where the request changes nothing.
        reward_name: what clients call the reward model; None: there is none.
        refuses_code: whether what clients send would be run as a program, and may not be.
        presets: the model names.
        admission: how much runs.
        clock: how long.
        bodies: how much is read.
        metrics: what is counted.
        readiness: whether it can answer.
        tracer: makes the spans.
        events: takes the events; None: they are in the spans alone.
    """

    settings: Settings
    pipeline: Pipeline
    reward_name: str | None
    refuses_code: bool
    presets: Presets
    admission: Admission
    clock: RequestClock
    bodies: Bodies
    metrics: Metrics
    readiness: Readiness
    tracer: Tracer
    events: Logger | None = None

    @property
    def provider(self) -> str:
        """Who samples, as traces say it."""
        if self.settings.upstream is not None:
            return "openai"
        return "transformers" if self.pipeline.forwarder is None else "vllm"

    async def plan(
        self, body: ChatRequest | CompletionRequest, profile: str | None = None, key: str = ANYBODY
    ) -> Job:
        """The job that `body` asks for.

        Args:
            body: the request.
            profile: the name of one that goes before the name of the model.
            key: the name of the API key that asks.

        Raises:
            ModelNotFoundError: nothing has that name.
            EngineError: the engine or the upstream does not say what it serves.
            ClientCodeError: a verifier would run its `reference`, which is not allowed here.
            InvalidBodyError: a tool has to be called that is not there.
            RequestError, ConfigError: as `bestofn_server.service.job.plan`.
        """
        if self.refuses_code and body.bestofn is not None and body.bestofn.reference is not None:
            raise ClientCodeError("the reference", param="bestofn.reference")
        if isinstance(body, ChatRequest):
            require_tools(body.further)
        with self.engine_faults():
            preset = await self.presets.named(body.model, profile)
        return plan(body, preset, self.settings.server, self.admission.most(key))

    async def models(self) -> list[dict[str, Any]]:
        """OpenAI's model objects of all that a request may name.

        Raises:
            EngineError: the engine or the upstream does not say what it serves.
        """
        with self.engine_faults():
            return await self.presets.listed()

    async def tokenizer(
        self, model: str | None, fields: Mapping[str, Any]
    ) -> tuple[Tokenizing, Mapping[str, Any]]:
        """The tokenizer of the model of that name, and what it is asked."""
        with self.engine_faults():
            preset = await self.presets.named(model)
        if preset.pipeline.tokenizing is None:
            raise NotOfferedError("the tokenizer of this engine cannot be asked")
        named = {} if preset.model is None else {"model": preset.model}
        return preset.pipeline.tokenizing, {**fields, **named}

    def filters(self, specs: Sequence[FilterSpec] | None) -> Sequence[Filter]:
        """The filters that a request asks for, or the server's; errors as `chosen_filters`."""
        default = self.presets.default
        with said_of("filters"):
            return default.pipeline.filters if specs is None else chosen_filters(specs, default)

    @contextlib.contextmanager
    def admitted(self, tokens: int, key: str = ANYBODY) -> Iterator[None]:
        """Hold a place for `tokens`; see `Admission.admit`. What it refuses, and what the key has
        used, is counted."""
        try:
            place = contextlib.ExitStack()
            place.enter_context(self.admission.admit(tokens, key))
        except OverloadedError:
            self.metrics.refused.inc()
            raise
        self.metrics.key_tokens.labels(key).inc(tokens)
        with place:
            yield

    def observer(self, watching: Observer | None = None) -> Observer:
        """What traces and counts one request, and takes its candidates for signs of life.

        Args:
            watching: is told besides.
        """
        telemetry = TelemetryObserver(self.tracer, self.metrics, self.readiness.stirred)
        return telemetry if watching is None else Observers(telemetry, watching)

    async def rank(
        self, job: Job, headers: Mapping[str, str], watching: Observer | None = None
    ) -> list[Ranking]:
        """One ranking per prompt of the job, in order. Cancelling aborts every candidate.

        Args:
            job: with requests.
            headers: of the HTTP request: they may carry a trace.
            watching: told of what happens.

        Raises:
            EngineError: the engine failed on all candidates.
            OverloadedError: it, or the upstream, has too much to do.
            RewardError: as `best_of_n`.
            NothingAcceptableError, DeadlineError: the same, of every prompt; one of several that
                has no answer has a ranking without a winner.
        """
        with gen_ai.request_span(self.tracer, self._operation(job), headers) as span:
            turn = asyncio.Lock() if len(job.requests) > 1 else None
            rankings = await each_ranked(
                [self._rank(each, job, turn, watching) for each in job.requests]
            )
            gen_ai.answered(span, rankings)
            return rankings

    async def answer(self, job: Job, headers: Mapping[str, str] = _NO_HEADERS) -> dict[str, Any]:
        """The engine's own answer to a job that is passed through.

        Args:
            job: with a body to forward.
            headers: as `rank`.

        Raises:
            EngineError: it failed.
            RequestError: it refuses the request.
        """
        asked = gen_ai.request_span(self.tracer, self._operation(job), headers)
        with asked as span, self.engine_faults():
            answer = await _forwarder(job).answer(job.endpoint, job.forward or {})
            gen_ai.forwarded(span, answer)
            return answer

    async def stream(
        self, job: Job, headers: Mapping[str, str] = _NO_HEADERS
    ) -> AsyncGenerator[dict[str, Any]]:
        """The engine's own chunks for a job that is passed through; as `answer`."""
        span = gen_ai.open_span(self.tracer, self._operation(job), headers)
        try:
            with self.engine_faults():
                chunks = await _forwarder(job).stream(job.endpoint, job.forward or {})
        except BaseException as error:
            gen_ai.failed(span, error)
            span.end()
            raise
        return gen_ai.traced(self._told(chunks), span)

    async def _told(self, chunks: AsyncGenerator[dict[str, Any]]) -> AsyncGenerator[dict[str, Any]]:
        """The chunks; a fault of the engine in the middle is an `EngineError`, too."""
        with self.engine_faults():
            async with contextlib.aclosing(chunks):
                async for chunk in chunks:
                    yield chunk

    def _operation(self, job: Job) -> gen_ai.Operation:
        """The job, as traces tell it."""
        first = next(iter(job.requests), None)
        return gen_ai.Operation(job.endpoint, job.served, self.provider, first, job.forward)

    async def _rank(
        self, request: Request, job: Job, turn: asyncio.Lock | None, watching: Observer | None
    ) -> Ranking:
        if turn is not None:  # of a thousand prompts one starts at a time, others in between
            async with turn:
                await asyncio.sleep(0)
        pipeline = job.pipeline
        try:
            with self.engine_faults(job.served):
                observer = self.observer(watching)
                ranking = await best_of_n(request, pipeline, observer=observer)
        except NoWinnerError as error:
            if error.ranking is not None:
                self._count(error.ranking, job.served)
            raise
        self._count(ranking, job.served)
        if pipeline.reward_model is None or (ranking.winner and ranking.winner.reward is not None):
            self.readiness.seen()
        return ranking

    def _count(self, ranking: Ranking, served: Served) -> None:
        """Tell of a ranking in the metrics, and of its candidates in the trace."""
        self.metrics.ranked(ranking, served)
        gen_ai.evaluated(get_current_span(), self.events, ranking, self.reward_name)

    @contextlib.contextmanager
    def engine_faults(self, served: Served = NOBODY) -> Iterator[None]:
        """Give the engine's failures the status of who failed."""
        try:
            yield
        except GeneratorError as error:
            self.readiness.doubt()
            if error.ranking is not None:
                self._count(error.ranking, served)
            if isinstance(error, GeneratorBusyError):
                raise OverloadedError(str(error), math.ceil(error.retry_after)) from error
            if self.settings.upstream is not None or self.settings.generators:
                status = 502
            else:
                status = 503 if self.pipeline.engine_is_dead else 500
            raise EngineError(str(error), status=status) from error


def _forwarder(job: Job) -> Forwarder:
    assert job.pipeline.forwarder is not None  # the plan forwards only where there is one
    return job.pipeline.forwarder
