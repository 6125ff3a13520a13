"""The reward model as a service: the same numbers as in Python, in three APIs."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Sequence
from typing import Any

import httpx
import pytest

from bestofn import Pipeline, Request, RewardError, Score, Settings, embedded
from bestofn.builders.choosing import build_selector
from bestofn.builders.pipeline import build_filters
from bestofn.builders.reward_plan import RewardPlan
from bestofn.builders.rewards import open_reward_model
from bestofn.core.protocols import RewardModel
from bestofn.core.types import Candidate
from bestofn.testing import FakeGenerator, FakeRewardModel
from bestofn_server.app import create_app
from tests.support.scripts import pipeline_of
from tests.support.serving import app_of, client_of, error_of

pytestmark = pytest.mark.model

PROMPT = "What is 8 - 5?"
RESPONSES = ["8 - 5 = 3.", "It is 4.", "The answer is 3 (8 - 5 = 3)."]
LOOP = "8 minus 5 is 3. " * 12


@pytest.fixture(scope="module")
async def embedded_pair() -> AsyncIterator[tuple[httpx.AsyncClient, RewardModel]]:
    """A client of a service over the embedded reward model, and that model."""
    settings = Settings()
    async with open_reward_model(RewardPlan.of(settings)) as reward_model:
        assert reward_model is not None
        pipeline = Pipeline(
            FakeGenerator(["never asked"]),
            build_selector(settings.selector),
            build_filters(settings.filters),
            reward_model,
        )
        async with client_of(create_app(settings, pipeline)) as client:
            yield client, reward_model


async def _rewards(reward_model: RewardModel, texts: Sequence[str]) -> list[float]:
    request = Request.from_prompt(PROMPT)
    said = [Candidate(i, {"role": "assistant", "content": t}, "stop") for i, t in enumerate(texts)]
    scores = await reward_model.score(request, said)
    return [score.reward for score in scores if score.reward is not None]


async def test_all_three_give_the_numbers_of_the_python_api(embedded_pair: Any) -> None:
    client, reward_model = embedded_pair
    expected = await _rewards(reward_model, RESPONSES)
    assert len(expected) == len(RESPONSES)
    best_first = sorted(range(len(expected)), key=lambda at: -expected[at])

    given = {"prompt": PROMPT, "responses": RESPONSES}
    rewards = (await client.post("/v1/rewards", json=given)).json()
    assert rewards["model"] == embedded.REWARD_NAME
    assert [item["reward"] for item in rewards["data"]] == pytest.approx(expected, abs=1e-5)
    assert rewards["ranking"] == best_first
    assert [rewards["data"][at]["rank"] for at in best_first] == [1, 2, 3]

    documents = {"query": PROMPT, "documents": RESPONSES}
    reranked = (await client.post("/v1/rerank", json=documents)).json()
    assert [result["index"] for result in reranked["results"]] == best_first
    assert [result["reward"] for result in reranked["results"]] == pytest.approx(
        [expected[at] for at in best_first], abs=1e-5
    )

    for text, reward in zip(RESPONSES, expected, strict=True):
        messages = [{"role": "user", "content": PROMPT}, {"role": "assistant", "content": text}]
        raw = (await client.post("/classify", json={"messages": messages})).json()
        assert raw["data"][0]["probs"] == pytest.approx([reward], abs=1e-5)
        body = {"messages": messages, "use_activation": True}
        activated = (await client.post("/classify", json=body)).json()
        assert activated["data"][0]["probs"] == pytest.approx(
            [1 / (1 + math.exp(-reward))], abs=1e-5
        )


async def test_ready_made_texts_are_scored_as_they_are(embedded_pair: Any) -> None:
    client, reward_model = embedded_pair
    texts = ["one text", "and another, which is longer"]
    expected = [score.reward for score in await reward_model.score_texts(texts)]
    found = (await client.post("/classify", json={"input": texts})).json()
    assert [item["probs"][0] for item in found["data"]] == pytest.approx(expected, abs=1e-5)
    assert [(item["index"], item["num_classes"]) for item in found["data"]] == [(0, 1), (1, 1)]
    assert found["usage"]["prompt_tokens"] > 0
    alone = (await client.post("/classify", json={"input": texts[0]})).json()
    assert [item["probs"][0] for item in alone["data"]] == pytest.approx(expected[:1], abs=1e-5)


async def test_what_is_rejected_has_a_reason_and_no_reward(embedded_pair: Any) -> None:
    client, reward_model = embedded_pair
    cut = {"text": RESPONSES[0], "finish_reason": "length"}
    given: dict[str, Any] = {"prompt": PROMPT, "responses": [RESPONSES[0], cut, LOOP, ""]}
    answer = (await client.post("/v1/rewards", json=given)).json()
    reasons = [{r["reason"] for r in item["rejections"]} for item in answer["data"]]
    assert reasons[0] == set()
    assert "length" in reasons[1]
    assert "exact_loop" in reasons[2]
    assert reasons[3]
    assert [item["reward"] is None for item in answer["data"]] == [False, True, True, True]
    assert answer["ranking"] == [0]
    unfiltered = given | {"responses": [RESPONSES[0], LOOP], "filters": []}
    answer = (await client.post("/v1/rewards", json=unfiltered)).json()
    expected = await _rewards(reward_model, [RESPONSES[0], LOOP])
    assert [item["reward"] for item in answer["data"]] == pytest.approx(expected, abs=1e-5)
    nothing = given | {"responses": [LOOP]}
    answer = (await client.post("/v1/rewards", json=nothing)).json()
    assert (answer["ranking"], answer["data"][0]["reward"]) == ([], None)


async def test_rerank_cuts_and_leaves_documents_out() -> None:
    async with client_of(app_of()) as client:
        asked: dict[str, Any] = {"query": "What?", "documents": ["good", {"text": "better"}, "bad"]}
        ordered = (await client.post("/v1/rerank", json=asked)).json()["results"]
        assert [(r["index"], r["reward"]) for r in ordered] == [(1, 2), (0, 1), (2, -1)]
        assert [r["document"]["text"] for r in ordered] == ["better", "good", "bad"]
        asked |= {"top_n": 1, "return_documents": False}
        cut = (await client.post("/v1/rerank", json=asked)).json()["results"]
    assert cut == [{"index": 1, "relevance_score": pytest.approx(5 / 6), "reward": 2.0}]


@pytest.mark.parametrize(
    ("path", "body", "said"),
    [
        ("/v1/rewards", {"prompt": "x", "responses": []}, "responses: must not be empty"),
        ("/v1/rewards", {"responses": ["x"]}, "give either prompt or messages"),
        ("/v1/rewards", {"prompt": "x", "messages": [{}], "responses": ["x"]}, "give either"),
        ("/v1/rewards", {"prompt": "x", "responses": ["x"], "n": 1}, "n: there is no such option"),
        ("/v1/rerank", {"query": "x", "documents": []}, "documents: must not be empty"),
        ("/v1/rerank", {"query": "x", "documents": ["x"], "top_n": 0}, "top_n: must be at least 1"),
        ("/classify", {}, "give either input or messages"),
        ("/classify", {"input": []}, "input"),
        ("/classify", {"input": "x"}, "reads conversations only"),  # as the fake does
        ("/classify", {"messages": [{"role": "user"}] * 2}, "has to be the assistant's"),
    ],
)
async def test_what_is_wrong_is_a_400(path: str, body: dict[str, Any], said: str) -> None:
    async with client_of(app_of()) as client:
        response = await client.post(path, json=body)
    assert response.status_code == 400
    assert said in error_of(response)["message"]


async def test_another_model_is_a_404_and_so_is_none() -> None:
    asked: list[tuple[str, dict[str, Any]]] = [
        ("/v1/rewards", {"prompt": "x", "responses": ["good"]}),
        ("/v1/rerank", {"query": "x", "documents": ["good"]}),
        ("/classify", {"input": "x"}),
    ]
    pipeline, _, _ = pipeline_of(["good"])
    without = Pipeline(pipeline.generator, pipeline.selector)
    async with (
        client_of(create_app(Settings(), pipeline)) as client,
        client_of(create_app(Settings(reward_model="none"), without)) as bare,
    ):
        for path, body in asked:
            other = await client.post(path, json=body | {"model": "another"})
            assert (other.status_code, error_of(other)["code"]) == (404, "model_not_found")
            none = await bare.post(path, json=body)
            assert none.status_code == 404
            assert "no reward model" in error_of(none)["message"]


class _Short(FakeRewardModel):
    async def score(self, request: Request, candidates: Sequence[Candidate]) -> list[Score]:
        return [Score(1.0)] * (len(candidates) - 1)


@pytest.mark.parametrize(
    ("rewards", "said"),
    [
        (FakeRewardModel({}, raises=RewardError("it broke")), "it broke"),
        (FakeRewardModel({"good": math.nan}), "not a finite number"),
        (_Short({}), "0 scores for 1"),
    ],
)
async def test_a_reward_model_that_fails_is_a_500_and_never_a_number(
    rewards: FakeRewardModel, said: str
) -> None:
    pipeline, _, _ = pipeline_of(["good"], rewards)
    async with client_of(create_app(Settings(), pipeline)) as client:
        reranked = await client.post("/v1/rerank", json={"query": "x", "documents": ["good"]})
        assert reranked.status_code == 500
        assert error_of(reranked)["code"] == "reward_model_failed"
        assert said in error_of(reranked)["message"]
        given = {"prompt": "x", "responses": ["good"]}
        scored = await client.post("/v1/rewards", json=given)
    if scored.status_code == 200:  # one that is no number is its candidate's failure
        (item,) = scored.json()["data"]
        assert (item["reward"], item["failure"]["reason"]) == (None, "reward_not_finite")
    else:
        assert scored.status_code == 500
        assert said in error_of(scored)["message"]
