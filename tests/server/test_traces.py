"""Spans and events by OpenTelemetry's conventions for generative AI, as a collector gets them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.semconv._incubating.attributes import gen_ai_attributes as conventions
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bestofn import GeneratorError, Pipeline, Settings, embedded
from bestofn.selection.argmax import ArgmaxSelector
from bestofn.testing import FakeCompletion, FakeGenerator
from bestofn_server.app import create_app
from bestofn_server.telemetry.gen_ai import EVALUATION
from bestofn_server.telemetry.tracing import exports
from tests.support.forwarding import ForwardingGenerator
from tests.support.scripts import CUT, pipeline_of
from tests.support.serving import ask, client_of
from tests.support.upstream import served

pytestmark = pytest.mark.model

CHAT = "/v1/chat/completions"
NAMES = {value for name, value in vars(conventions).items() if name.startswith("GEN_AI_")}
TRACE, ABOVE = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
PROMPT = "the password is swordfish"


@dataclass
class Told:
    """A span or an event.

    Attributes:
        name: its name.
        attributes: as plain values.
        events: of a span.
        trace, span, parent: ids, in hexadecimal.
        failed: whether a span's status is an error.
    """

    name: str
    attributes: dict[str, Any]
    trace: str
    span: str
    parent: str = ""
    events: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    failed: bool = False


@dataclass
class Collector:
    """What an OTLP collector has received."""

    spans: list[Told] = field(default_factory=list)
    events: list[Told] = field(default_factory=list)
    raw: bytes = b""

    async def traces(self, request: Request) -> Response:
        body = await request.body()
        self.raw += body
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            for scope in resource.scope_spans:
                for each in scope.spans:
                    events = [(event.name, _plain(event.attributes)) for event in each.events]
                    told = Told(
                        each.name,
                        _plain(each.attributes),
                        each.trace_id.hex(),
                        each.span_id.hex(),
                        each.parent_span_id.hex(),
                        events,
                        each.status.code == 2,
                    )
                    self.spans.append(told)
        return Response(status_code=200)

    async def logs(self, request: Request) -> Response:
        body = await request.body()
        self.raw += body
        for resource in ExportLogsServiceRequest.FromString(body).resource_logs:
            for scope in resource.scope_logs:
                for each in scope.log_records:
                    attributes = _plain(each.attributes)
                    ids = each.trace_id.hex(), each.span_id.hex()
                    self.events.append(Told(each.event_name, attributes, *ids))
        return Response(status_code=200)


def _plain(attributes: Any) -> dict[str, Any]:
    def value(of: Any) -> Any:
        kind = of.WhichOneof("value")
        if kind == "array_value":
            return [value(each) for each in of.array_value.values]
        return getattr(of, kind)

    return {each.key: value(each.value) for each in attributes}


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    made = Collector()
    routes = [
        Route("/v1/traces", made.traces, methods=["POST"]),
        Route("/v1/logs", made.logs, methods=["POST"]),
    ]
    with served(Starlette(routes=routes)) as url:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", url)
        yield made


async def _asked(pipeline: Pipeline, *bodies: dict[str, Any], **settings: Any) -> list[int]:
    """The statuses of requests to a service whose spans and events are collected."""
    with exports() as collected:
        app = create_app(
            Settings(**settings),
            pipeline,
            tracer_provider=collected.spans,
            logger_provider=collected.events,
        )
        async with client_of(app) as client:
            headers = {"traceparent": f"00-{TRACE}-{ABOVE}-01"}
            return [
                (await client.post(CHAT, json=body, headers=headers)).status_code for body in bodies
            ]


def _said(**fields: Any) -> dict[str, Any]:
    return ask(**fields) | {"messages": [{"role": "user", "content": PROMPT}]}


async def test_a_request_is_a_span_and_each_candidate_an_event(collector: Collector) -> None:
    pipeline, _, _ = pipeline_of(["good", "better", CUT, FakeCompletion(error="out of memory")])
    asked = _said(n=2, seed=7, temperature=0.5, top_p=0.9, max_tokens=20, model="four")
    assert await _asked(pipeline, asked, profiles={"four": {"best_of": 4}}) == [200]
    (span,) = [each for each in collector.spans if each.name == f"chat {embedded.NAME}"]
    assert (span.trace, span.parent) == (TRACE, ABOVE)
    children = sorted(each.name for each in collector.spans if each.parent == span.span)
    assert children == ["sample", "score", "select"]
    identity = span.attributes["gen_ai.response.id"]
    assert identity.startswith("chatcmpl-")
    assert span.attributes == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "transformers",
        "gen_ai.request.model": embedded.NAME,
        "gen_ai.request.choice.count": 2,
        "gen_ai.request.temperature": 0.5,
        "gen_ai.request.top_p": 0.9,
        "gen_ai.request.max_tokens": 20,
        "gen_ai.request.seed": 7,
        "gen_ai.response.id": identity,
        "gen_ai.response.finish_reasons": ["stop", "stop"],
        "gen_ai.usage.input_tokens": 4,
        "gen_ai.usage.output_tokens": 3,
        "bestofn.best_of": 4,
        "bestofn.profile": "four",
        "bestofn.sampled": 4,
    }
    assert all(name in NAMES for name in span.attributes if name.startswith("gen_ai."))
    events = [attributes for name, attributes in span.events if name == EVALUATION]
    common = {"gen_ai.response.id": identity}
    assert events == [
        {
            "gen_ai.evaluation.name": embedded.REWARD_NAME,
            "gen_ai.evaluation.score.label": "accepted",
            "gen_ai.evaluation.score.value": 1.0,
            "bestofn.candidate.index": 0,
            "bestofn.candidate.rank": 2,
            **common,
        },
        {
            "gen_ai.evaluation.name": embedded.REWARD_NAME,
            "gen_ai.evaluation.score.label": "accepted",
            "gen_ai.evaluation.score.value": 2.0,
            "bestofn.candidate.index": 1,
            "bestofn.candidate.rank": 1,
            **common,
        },
        {
            "gen_ai.evaluation.name": "cut",
            "gen_ai.evaluation.score.label": "rejected",
            "gen_ai.evaluation.explanation": "length",
            "bestofn.candidate.index": 2,
            **common,
        },
        {
            "gen_ai.evaluation.name": embedded.REWARD_NAME,
            "gen_ai.evaluation.score.label": "failed",
            "gen_ai.evaluation.explanation": "generation_error",
            "bestofn.candidate.index": 3,
            **common,
        },
    ]
    assert all(name in NAMES for each in events for name in each if name.startswith("gen_ai."))
    assert [(each.name, each.attributes) for each in collector.events] == [
        (EVALUATION, each) for each in events
    ]
    assert {(each.trace, each.span) for each in collector.events} == {(TRACE, span.span)}
    for secret in (b"swordfish", b"better", b"out of memory"):
        assert secret not in collector.raw


async def test_what_is_passed_through_is_a_span_too(collector: Collector) -> None:
    chunk = {
        "id": "its own",
        "choices": [{"index": 0, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 5, "completion_tokens": 9},
    }
    pipeline = Pipeline(ForwardingGenerator(chunks=[chunk]), ArgmaxSelector())
    bodies = [_said(best_of=1, seed=3), _said(best_of=1, seed=3, stream=True)]
    assert await _asked(pipeline, *bodies) == [200, 200]
    assert [each.name for each in collector.spans] == ["chat base"] * 2
    for span in collector.spans:
        assert span.trace == TRACE
        assert span.attributes == {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "vllm",
            "gen_ai.request.model": "base",
            "gen_ai.request.seed": 3,
            "gen_ai.response.id": "its own",
            "gen_ai.response.finish_reasons": ["stop"],
            "gen_ai.usage.input_tokens": 5,
            "gen_ai.usage.output_tokens": 9,
        }


async def test_a_failure_is_in_the_span_without_its_words(collector: Collector) -> None:
    gone = FakeGenerator(["x"], raises=GeneratorError("the secret engine is gone"))
    broken = ForwardingGenerator(chunks=[], fault=GeneratorError("the secret engine is gone"))
    assert await _asked(Pipeline(gone, ArgmaxSelector()), _said()) == [500]
    stream = Pipeline(broken, ArgmaxSelector())
    assert await _asked(stream, _said(best_of=1, stream=True)) == [200]
    spans = [each for each in collector.spans if each.name.startswith("chat")]
    assert [(each.failed, each.attributes["error.type"]) for each in spans] == [
        (True, "EngineError")
    ] * 2
    assert b"secret engine" not in collector.raw


def test_nothing_is_collected_where_nobody_collects(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OTEL_EXPORTER_OTLP_ENDPOINT", raising=False)
    with exports() as collected:
        assert collected == (None, None)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://127.0.0.1:1/v1/traces")
    with contextlib.ExitStack() as stack:
        collected = stack.enter_context(exports())
        assert (collected.spans is not None, collected.events) == (True, None)
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "none")
    with exports() as collected:
        assert collected == (None, None)
