"""What a generator and a reward model offer besides still works while all is traced and counted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from bestofn import Pipeline, Score, Settings
from bestofn.selection.argmax import ArgmaxSelector
from bestofn.testing import FakeRewardModel
from bestofn_server.app import create_app
from tests.support.forwarding import ForwardingGenerator
from tests.support.serving import ask, client_of

CHUNK = {"id": "its own", "choices": [{"index": 0, "finish_reason": "stop"}]}


class Versatile(FakeRewardModel):
    """A reward model that compares, and reads texts that somebody else has made."""

    def __init__(self) -> None:
        super().__init__(lambda request, c: float(len(c.text)), compares=True)

    async def score_texts(self, texts: Sequence[str]) -> list[Score]:
        return [Score(float(len(text))) for text in texts]


async def test_forwarding_text_scoring_and_comparing_work_beside_tracing_and_metrics() -> None:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    generator, rewards = ForwardingGenerator(chunks=[CHUNK]), Versatile()
    pipeline = Pipeline(generator, ArgmaxSelector(), (), rewards)
    app = create_app(Settings(best_of=2), pipeline, tracer_provider=provider)
    async with client_of(app) as client:
        forwarded = (await client.post("/v1/chat/completions", json=ask(best_of=1))).json()
        ranked = (await client.post("/v1/chat/completions", json=ask(best_of=2))).json()
        texts = (await client.post("/classify", json={"input": ["a", "bbb"]})).json()
        given: Any = {"prompt": "?", "responses": ["a", "bb"]}
        compared = (await client.post("/v1/rewards", json=given)).json()
        page = (await client.get("/metrics")).text
    assert (forwarded["id"], len(generator.forwarded)) == ("its own", 1)
    assert ranked["choices"][0]["message"]["content"] == "better"
    assert [each["probs"] for each in texts["data"]] == [[1.0], [3.0]]
    assert compared["ranking"] == [1, 0]
    assert [len(batch) for _, batch in rewards.calls] == [2, 2], "all of a request in one call"
    names = [span.name for span in exporter.get_finished_spans()]
    assert {name: names.count(name) for name in names} == {
        "sample": 2,
        "score": 2,
        "select": 2,
        "chat base": 2,  # the one that was passed through too
    }
    assert "bestofn_score_batch_candidates_sum 4.0" in page


def test_a_pipeline_asks_its_parts_once_for_what_they_offer() -> None:
    plain = Pipeline(ForwardingGenerator(), ArgmaxSelector())
    assert plain.forwarder is not None
    assert (plain.text_scorer, plain.compares, plain.engine_is_dead) == (None, False, False)
    rewards = Versatile()
    full = Pipeline(ForwardingGenerator(), ArgmaxSelector(), (), rewards)
    assert full.text_scorer is rewards
    assert full.compares
