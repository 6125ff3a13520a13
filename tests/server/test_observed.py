"""What an operator sees of requests: the log, the metrics, the spans, and readiness."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from bestofn import GeneratorError, Policy, RewardError, Settings, embedded
from bestofn.settings.choices import LogFormat
from bestofn.testing import FakeCompletion, FakeGenerator, FakeRewardModel
from bestofn_server.app import create_app
from bestofn_server.telemetry.logs import set_up_logs
from tests.support.scripts import CUT, pipeline_of
from tests.support.serving import app_of, ask, client_of

pytestmark = pytest.mark.model

CHAT = "/v1/chat/completions"
PROMPT, ANSWER = "the password is swordfish", "good"


@pytest.fixture
def logged_as() -> Iterator[Any]:
    """Sets the log up in a form; afterwards the loggers are as they were."""
    loggers = [logging.getLogger(name) for name in ("bestofn", "bestofn_server", "uvicorn.error")]
    before = [(logger, logger.handlers, logger.level, logger.propagate) for logger in loggers]
    yield set_up_logs
    for logger, handlers, level, propagate in before:
        logger.handlers, logger.level, logger.propagate = handlers, level, propagate


async def _ask_variously(client: httpx.AsyncClient) -> None:
    said: Any = {"messages": [{"role": "user", "content": PROMPT}]}
    headers = {"x-request-id": "order-17"}
    assert (await client.post(CHAT, json=said, headers=headers)).status_code == 200
    assert (await client.post(CHAT, json=said | {"stream": True})).status_code == 200
    assert (await client.post(CHAT, json=said | {"model": "none"})).status_code == 404
    assert (await client.post(CHAT, json={"messages": PROMPT})).status_code == 400
    scored = {"prompt": PROMPT, "responses": [ANSWER]}
    assert (await client.post("/v1/rewards", json=scored)).status_code == 200


@pytest.mark.parametrize("form", ["text", "json"])
async def test_the_log_has_every_request_and_no_word_of_it(
    form: LogFormat, logged_as: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    logged_as(form)
    async with client_of(app_of([ANSWER])) as client:
        await _ask_variously(client)
    broken, _, _ = pipeline_of(
        [FakeCompletion(ANSWER), FakeCompletion(error="one failed")],
        FakeRewardModel({}, raises=ZeroDivisionError("by zero")),
    )
    async with client_of(create_app(Settings(best_of=2), broken)) as client:
        said = {"messages": [{"role": "user", "content": PROMPT}]}
        assert (await client.post(CHAT, json=said)).status_code == 500
    log = capfd.readouterr().err
    assert "swordfish" not in log
    assert f'"{ANSWER}"' not in log
    if form == "text":
        first = next(line for line in log.splitlines() if "[order-17]" in line)
        assert f" method=POST path={CHAT} status=200 seconds=" in first
        assert all(f"status={status}" in log for status in (400, 404, 500))
        return
    records = [json.loads(line) for line in log.splitlines()]
    requests = [record for record in records if record["message"] == "request"]
    assert [record["status"] for record in requests] == [200, 200, 404, 400, 200, 500]
    assert requests[0]["request_id"] == "order-17"
    assert (requests[0]["method"], requests[0]["path"]) == ("POST", CHAT)
    assert requests[0]["seconds"] < 5
    assert len({record["request_id"] for record in requests}) == 6
    (trace,) = [record for record in records if "exc_info" in record]
    assert trace["request_id"] == requests[-1]["request_id"]


def _samples(text: str) -> dict[str, float]:
    """The samples of a Prometheus page that are no bucket and no time, by their names."""
    rows = [line.rpartition(" ") for line in text.splitlines() if line.startswith("bestofn_")]
    unsure = ("_created", "seconds_sum", "_bucket", "tasks")
    return {
        _sorted_labels(name.removeprefix("bestofn_")): float(value)
        for name, _, value in rows
        if not name.partition("{")[0].endswith(unsure) and float(value)
    }


def _sorted_labels(name: str) -> str:
    """A sample's name with its labels in order of the alphabet."""
    bare, brace, labels = name.partition("{")
    found = sorted(re.findall(r'\w+="[^"]*"', labels))
    return f"{bare}{{{','.join(found)}}}" if brace else bare


async def test_tokens_that_nobody_counted_are_of_no_kind() -> None:
    script = [FakeCompletion("good", counted=False), FakeCompletion("better", counted=False)]
    pipeline, _, _ = pipeline_of(script)
    async with client_of(create_app(Settings(best_of=2), pipeline)) as client:
        assert (await client.post(CHAT, json=ask())).status_code == 200
        page = (await client.get("/metrics")).text
    kinds = set(re.findall(r'^bestofn_tokens_total\{.*kind="(\w+)"', page, re.MULTILINE))
    assert kinds == {"prompt", "scored"}


async def test_the_metrics_count_what_was_done() -> None:
    script = ["good", "better", CUT, FakeCompletion(error="out of memory")]
    pipeline, _, _ = pipeline_of(script)
    async with client_of(create_app(Settings(best_of=4), pipeline)) as client:
        assert (await client.post(CHAT, json=ask())).status_code == 200
        assert (await client.post(CHAT, json=ask(n=9, best_of=2))).status_code == 400
        page = (await client.get("/metrics")).text
    by = f'model="{embedded.NAME}",profile=""'
    expected = {
        f'requests_total{{{by},path="{CHAT}",status="200"}}': 1,
        f'requests_total{{model="",path="{CHAT}",profile="",status="400"}}': 1,
        f'request_seconds_count{{{by},path="{CHAT}"}}': 1,
        f'request_seconds_count{{model="",path="{CHAT}",profile=""}}': 1,
        f"first_candidate_seconds_count{{{by}}}": 1,
        f"best_of_count{{{by}}}": 1,
        f"best_of_sum{{{by}}}": 4,
        f"sampled_count{{{by}}}": 1,
        f"sampled_sum{{{by}}}": 4,
        f'candidates_total{{{by},outcome="accepted"}}': 2,
        f'candidates_total{{{by},outcome="rejected"}}': 1,
        f'candidates_total{{{by},outcome="failed"}}': 1,
        f'rejections_total{{filter="cut",{by},reason="length"}}': 1,
        f'failures_total{{{by},reason="generation_error"}}': 1,
        f'reward_count{{{by},of="winner"}}': 1,
        f'reward_count{{{by},of="other"}}': 1,
        f"reward_gain_count{{{by}}}": 1,
        f"reward_gain_sum{{{by}}}": 1,  # better (2) instead of candidate 0 (1)
        f"winner_index_count{{{by}}}": 1,
        f"winner_index_sum{{{by}}}": 1,
        f'tokens_total{{kind="returned",{by}}}': 1,
        f'tokens_total{{kind="wasted",{by}}}': 2,
        f'tokens_total{{kind="prompt",{by}}}': 1,
        f'tokens_total{{kind="scored",{by}}}': 2,
        "score_batch_candidates_count": 1,
        "score_batch_candidates_sum": 2,
        "score_seconds_count": 1,
        'key_requests_total{key="-",status="200"}': 1,
        'key_requests_total{key="-",status="400"}': 1,
        'key_tokens_total{key="-"}': 4 * 1024,
    }
    assert _samples(page) == {_sorted_labels(name): count for name, count in expected.items()}


async def test_fallbacks_and_deadlines_are_counted() -> None:
    def script(request: Any, index: int) -> FakeCompletion:
        return CUT if request.seed is None else FakeCompletion("good", delay=index * 60.0)

    async with client_of(app_of(script)) as client:
        assert (await client.post(CHAT, json=ask())).status_code == 200
        hasty = ask(seed=1, bestofn={"deadline_ms": 100})
        assert (await client.post(CHAT, json=hasty)).status_code == 200
        samples = _samples((await client.get("/metrics")).text)
    by = f'model="{embedded.NAME}",profile=""'
    assert samples[_sorted_labels(f'fallbacks_total{{fallback="best_rejected",{by}}}')] == 1
    assert samples[f"deadlines_total{{{by}}}"] == 1
    assert samples[_sorted_labels(f'failures_total{{{by},reason="deadline"}}')] == 1


def _children(spans: tuple[ReadableSpan, ...], parent: ReadableSpan) -> list[str]:
    assert parent.context is not None
    wanted = parent.context.span_id
    return sorted(s.name for s in spans if s.parent is not None and s.parent.span_id == wanted)


async def test_a_request_is_a_span_with_one_per_stage_below_the_clients() -> None:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    pipeline, _, _ = pipeline_of(["good", "better"])
    app = create_app(Settings(best_of=2), pipeline, tracer_provider=provider)
    trace, above = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
    async with client_of(app) as client:
        headers = {"traceparent": f"00-{trace}-{above}-01"}
        assert (await client.post(CHAT, json=ask(), headers=headers)).status_code == 200
    spans = exporter.get_finished_spans()
    (whole,) = [span for span in spans if span.name == f"chat {embedded.NAME}"]
    assert whole.context is not None
    assert f"{whole.context.trace_id:032x}" == trace
    assert whole.parent is not None
    assert f"{whole.parent.span_id:016x}" == above
    assert _children(spans, whole) == ["sample", "score", "select"]
    (sample,) = [span for span in spans if span.name == "sample"]
    assert sample.attributes == {"bestofn.candidates": 2}
    assert [event.attributes for event in sample.events] == [
        {"index": 0, "finish_reason": "stop"},
        {"index": 1, "finish_reason": "stop"},
    ]
    assert "swordfish" not in str([span.to_json() for span in spans])


@pytest.mark.parametrize(
    ("generator", "rewards", "said"),
    [
        (
            FakeGenerator(["x"], raises=GeneratorError("the engine is gone")),
            FakeRewardModel(lambda request, candidate: 1.0),
            "the engine is gone",
        ),
        (
            FakeGenerator([FakeCompletion(error="no memory")]),
            FakeRewardModel(lambda request, candidate: 1.0),
            "no memory",
        ),
        (FakeGenerator(["x"]), FakeRewardModel({}, raises=RewardError("it broke")), "it broke"),
        (
            FakeGenerator(["x"]),
            FakeRewardModel({}, raises=ZeroDivisionError("by zero")),
            "ZeroDivisionError: by zero",
        ),
    ],
)
async def test_not_ready_says_why_and_alive_it_is_all_the_same(
    generator: FakeGenerator, rewards: FakeRewardModel, said: str
) -> None:
    pipeline, _, _ = pipeline_of(generator, rewards, policy=Policy("error"))
    async with client_of(create_app(Settings(best_of=2), pipeline)) as client:
        response = await client.get("/ready")
        assert response.status_code == 503
        error = response.json()["error"]
        assert (error["code"], said in error["message"]) == ("not_ready", True)
        assert (await client.get("/health")).json() == {"status": "ok"}
    healthy = app_of()
    async with client_of(healthy) as client:
        assert (await client.get("/ready")).json() == {"status": "ok"}
