"""The metrics: labels of the operator's alone, histograms of what was asked, and promtool."""

from __future__ import annotations

import re
import shutil
import subprocess
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from bestofn import Pipeline, Settings, embedded
from bestofn.selection.argmax import ArgmaxSelector
from bestofn.testing import FakeCompletion, FakeGenerator, FakeRewardModel
from bestofn_server.admission import Admission
from bestofn_server.app import create_app
from bestofn_server.telemetry.labels import MOST, NOBODY, OTHER, Bounded, Served
from bestofn_server.telemetry.metrics import Metrics
from tests.support.forwarding import ForwardingGenerator
from tests.support.scripts import FILTERS, pipeline_of
from tests.support.serving import ask, client_of

CHAT = "/v1/chat/completions"
BY = {"model", "profile"}


def _values(page: str, name: str) -> dict[tuple[str, ...], float]:
    """The samples of that name, by the values of their labels in the order of the labels' names."""
    return {
        tuple(value for _, value in sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(page)
        for sample in family.samples
        if sample.name == f"bestofn_{name}"
    }


def _app() -> Any:
    def script(request: Any, index: int) -> FakeCompletion:
        return FakeCompletion(f"good {index}", delay=60.0 * (index > 1))

    pipeline = Pipeline(
        FakeGenerator(script),
        ArgmaxSelector(),
        FILTERS,
        FakeRewardModel(lambda request, candidate: float(candidate.index)),
    )
    profiles: Any = {"quick": {"best_of": 4, "stop": {"rule": "accepted", "count": 2}}}
    return create_app(Settings(best_of=2, profiles=profiles), pipeline)


async def test_what_was_asked_and_what_came_of_it_is_told_by_model_and_profile() -> None:
    async with client_of(_app()) as client:
        assert (await client.post(CHAT, json=ask(model="quick"))).status_code == 200
        assert (await client.post(CHAT, json=ask(best_of=1))).status_code == 200
        page = (await client.get("/metrics")).text
    quick, plain = (embedded.NAME, "quick"), (embedded.NAME, "")
    assert _values(page, "best_of_sum") == {quick: 4.0, plain: 1.0}
    assert _values(page, "sampled_sum") == {quick: 4.0, plain: 1.0}
    winners = _values(page, "reward_bucket")  # by le, model, of, profile; the quick one's is 1
    assert winners[("0.75", embedded.NAME, "winner", "quick")] == 0.0
    assert winners[("1.0", embedded.NAME, "winner", "quick")] == 1.0
    assert _values(page, "reward_count")[(embedded.NAME, "other", "quick")] == 1.0
    # two of four were aborted, of two words each, as the fake counts
    assert _values(page, "tokens_aborted_total") == {(*quick, "accepted"): 4.0}
    assert _values(page, "tokens_saved_total").keys() == {(*quick, "accepted")}
    assert _values(page, "candidates_total")[(embedded.NAME, "stopped", "quick")] == 2.0
    assert _values(page, "requests_total") == {
        (embedded.NAME, CHAT, "quick", "200"): 1.0,
        (embedded.NAME, CHAT, "", "200"): 1.0,
    }


async def test_a_request_that_is_passed_through_is_counted_by_its_model() -> None:
    chunk = {"id": "its own", "choices": [{"index": 0, "finish_reason": "stop"}]}
    generator = ForwardingGenerator(served=["base", "lora"], chunks=[chunk])
    pipeline = Pipeline(generator, ArgmaxSelector())
    async with client_of(create_app(Settings(), pipeline)) as client:
        assert (await client.post(CHAT, json=ask(best_of=1, model="lora"))).status_code == 200
        page = (await client.get("/metrics")).text
    assert _values(page, "requests_total") == {("lora", CHAT, "", "200"): 1.0}


async def test_a_client_makes_no_labels() -> None:
    pipeline, _, _ = pipeline_of(["good", "better"])
    hostile = "hostile-word"
    async with client_of(create_app(Settings(best_of=2), pipeline)) as client:
        for body in (
            ask(model=hostile),
            ask(user=hostile, metadata={hostile: hostile}),
            ask(bestofn={"filters": [hostile]}),
            ask(bestofn={"selector": hostile}),
            ask(bestofn={"stop": hostile}),
            {hostile: hostile},
        ):
            await client.post(CHAT, json=body, headers={"x-request-id": hostile})
        await client.post(f"/{hostile}", json={})
        await client.get(f"/v1/models/{hostile}")
        page = (await client.get("/metrics")).text
    assert hostile not in page
    assert "bestofn_requests_total" in page


def test_models_that_come_and_go_make_no_more_labels_than_fit() -> None:
    bounded = Bounded(3)
    assert [bounded(Served(name)) for name in "abcab"] == [
        Served("a"),
        Served("b"),
        Served(OTHER, OTHER),
        Served("a"),
        Served("b"),
    ]
    assert bounded(NOBODY) == NOBODY
    assert MOST == 256


def test_every_metric_of_rankings_has_the_two_labels() -> None:
    metrics = Metrics(CollectorRegistry(), Admission(10))
    without = {"scoring", "refused", "key_requests", "key_tokens", "score_batch", "score_seconds"}
    for name, metric in vars(metrics).items():
        labels = getattr(metric, "_labelnames", None)
        if labels is not None:
            assert (set(labels) >= BY) == (name not in without), name


@pytest.mark.skipif(
    shutil.which("promtool") is None, reason="promtool (Debian: prometheus) is not here"
)
async def test_promtool_accepts_them() -> None:
    async with client_of(_app()) as client:
        assert (await client.post(CHAT, json=ask(model="quick"))).status_code == 200
        assert (await client.post(CHAT, json=ask(model="none"))).status_code == 404
        page = (await client.get("/metrics")).text
    lines = page.splitlines()
    own = [line for line in lines if re.search(r"\bbestofn_", line)]
    # An engine that another test started in this process has names with a colon, which promtool
    # leaves to rules: they are vLLM's own.
    not_vllm = [line for line in lines if not re.search(r"\bvllm:", line)]
    for text in ("\n".join(own) + "\n", "\n".join(not_vllm) + "\n"):
        done = subprocess.run(
            ["promtool", "check", "metrics"],
            input=text,
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stdout + done.stderr) == (0, "")
