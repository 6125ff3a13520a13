"""The reward model under the names that gateways and trainers ask for it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import httpx
import pytest

from bestofn import Pipeline, Request, RewardError, Score, Settings
from bestofn.core.types import Candidate, Failure
from bestofn.selection.argmax import ArgmaxSelector
from bestofn.testing import FakeGenerator, FakeRewardModel
from bestofn_server.app import create_app
from bestofn_server.wire.activation import relevance, sigmoid
from tests.support.scripts import REWARDS, pipeline_of
from tests.support.serving import app_of, client_of, error_of

ANSWERED = [{"role": "user", "content": "What?"}, {"role": "assistant", "content": "better"}]
DOCUMENTS = ["good", {"text": "better"}, "bad"]
RERANKS = ("/v1/rerank", "/rerank", "/v2/rerank")
SCORES = ("/v1/score", "/score")


class TextReader(FakeRewardModel):
    """Reads ready-made texts: their length is their reward."""

    def __init__(self) -> None:
        super().__init__(REWARDS)
        self.texts: list[str] = []

    async def score_texts(self, texts: Sequence[str]) -> list[Score]:
        self.texts += texts
        return [Score(float(len(text)), tokens=len(text)) for text in texts]


def _app(rewards: FakeRewardModel) -> Any:
    return create_app(Settings(), Pipeline(FakeGenerator(["never"]), ArgmaxSelector(), (), rewards))


@pytest.mark.parametrize("path", RERANKS)
async def test_relevance_is_between_0_and_1_and_the_reward_stands_beside_it(path: str) -> None:
    async with client_of(app_of()) as client:
        asked: dict[str, Any] = {"query": "What?", "documents": DOCUMENTS}
        found = (await client.post(path, json=asked)).json()
        raw = (await client.post(path, json={**asked, "use_activation": False})).json()["results"]
        squashed = (await client.post(path, json={**asked, "use_activation": True})).json()
    results = found["results"]
    assert [(each["index"], each["reward"]) for each in results] == [(1, 2.0), (0, 1.0), (2, -1.0)]
    assert [each["relevance_score"] for each in results] == pytest.approx([5 / 6, 0.75, 0.25])
    assert [each["document"] for each in results] == [
        {"text": t} for t in ("better", "good", "bad")
    ]
    assert [each["relevance_score"] for each in raw] == [2.0, 1.0, -1.0]
    assert [each["relevance_score"] for each in squashed["results"]] == [
        sigmoid(each["reward"]) for each in results
    ]
    assert found["notes"] == []
    assert found["usage"] == {"prompt_tokens": 3, "total_tokens": 3}


def test_relevance_keeps_the_order_of_rewards_without_ties() -> None:
    rewards = [-1e7, -41.0, -40.0, -1e-9, 0.0, 1e-9, 17.0, 18.0, 36.9, 40.0, 41.0, 1e7, 1e7 + 1]
    numbers = [relevance(reward) for reward in rewards]
    assert all(0 < number < 1 for number in numbers)
    assert numbers == sorted(set(numbers))
    assert relevance(0.0) == 0.5
    assert [0 <= relevance(each) <= 1 for each in (1e308, -1e308)] == [True, True]
    assert sigmoid(-800.0) == 0.0
    assert sigmoid(3.0) == pytest.approx(1 / (1 + math.exp(-3)))


async def test_documents_are_read_by_the_fields_that_are_to_be_ranked() -> None:
    documents: list[Any] = [
        {"title": "good", "text": "bad", "year": 1994},
        {"title": "better", "text": "bad"},
    ]
    async with client_of(app_of()) as client:
        asked: dict[str, Any] = {"query": "What?", "documents": documents}
        by_text = (await client.post("/v1/rerank", json=asked)).json()["results"]
        asked["rank_fields"] = ["title"]
        by_title = (await client.post("/v1/rerank", json=asked)).json()["results"]
        none = await client.post("/v1/rerank", json={**asked, "rank_fields": ["year"]})
    assert [each["index"] for each in by_text] == [0, 1]
    assert [each["index"] for each in by_title] == [1, 0]
    assert by_title[1]["document"] == documents[0]
    assert none.status_code == 400
    assert "document 0 has no text under year" in error_of(none)["message"]


IGNORED = {
    "priority": 5,
    "truncate_prompt_tokens": 10,
    "max_tokens_per_doc": 4096,
    "max_chunks_per_doc": 10,
    "return_embeddings": True,
    "request_id": "mine",
    "instruction": "Rank them.",
}


@pytest.mark.parametrize(
    ("path", "body"),
    [
        *((path, {"query": "What?", "documents": ["good"]}) for path in RERANKS),
        *((path, {"text_1": "What?", "text_2": "good"}) for path in SCORES),
        ("/classify", {"messages": ANSWERED}),
        ("/pooling", {"messages": ANSWERED}),
        ("/get_reward", {"query": "What? good", "prompts": "What? "}),
    ],
)
async def test_fields_without_an_effect_are_taken_and_told(path: str, body: dict[str, Any]) -> None:
    async with client_of(app_of()) as client:
        plain = await client.post(path, json={**body, "user": "me", "priority": 0})
        told = await client.post(path, json={**body, **IGNORED})
        unknown = await client.post(path, json={**body, "top_nn": 1})
    assert plain.status_code == told.status_code == 200, told.text
    assert plain.json()["notes"] == []
    assert sorted(told.json()["notes"]) == sorted(f"{name} has no effect here" for name in IGNORED)
    assert (unknown.status_code, error_of(unknown)["param"]) == (400, "top_nn")


@pytest.mark.parametrize("path", SCORES)
@pytest.mark.parametrize(
    "names",
    [("text_1", "text_2"), ("queries", "documents"), ("queries", "items"), ("data_1", "data_2")],
)
async def test_texts_are_scored_in_pairs(path: str, names: tuple[str, str]) -> None:
    pipeline, _, rewards = pipeline_of(["never"])
    first, second = names
    async with client_of(create_app(Settings(), pipeline)) as client:
        one = (await client.post(path, json={first: "Q", second: ["good", "bad"]})).json()
        asked = {first: ["Q", "R", "Q"], second: ["bad", "good", "better"]}
        each = (await client.post(path, json=asked)).json()
        both = {first: "Q", second: "good", "use_activation": True}
        activated = (await client.post(path, json=both)).json()["data"]
    assert [item["score"] for item in one["data"]] == [1.0, -1.0]
    assert (one["object"], one["data"][0]["object"]) == ("list", "score")
    assert [(item["index"], item["reward"]) for item in each["data"]] == [
        (0, -1.0),
        (1, 1.0),
        (2, 2.0),
    ]
    assert activated == [
        {"index": 0, "object": "score", "score": pytest.approx(sigmoid(1.0)), "reward": 1.0}
    ]
    asked_for = [(r.last_user_text, [c.text for c in given]) for r, given in rewards.calls]
    assert asked_for[1:3] == [("Q", ["bad", "better"]), ("R", ["good"])], "one call a query"


@pytest.mark.parametrize(
    ("path", "body", "said"),
    [
        ("/score", {"text_1": "Q"}, "give text_1 and text_2"),
        ("/score", {"text_1": "Q", "documents": ["a"]}, "give text_1 and text_2"),
        ("/score", {"text_1": ["Q", "R"], "text_2": ["a"]}, "2 queries and 1 documents"),
        ("/score", {"text_1": [], "text_2": ["a"]}, "text_1"),
        ("/rerank", {"query": "Q", "documents": [{"title": "x"}]}, "has no text under text"),
        ("/pooling", {"messages": ANSWERED, "task": "embed"}, "task"),
        ("/pooling", {"messages": ANSWERED, "encoding_format": "base64"}, "encoding_format"),
        ("/pooling", {"input": "x"}, "reads conversations only"),
        ("/get_reward", {"query": ["a b"]}, "prompts: this reward model reads conversations only"),
        ("/get_reward", {"query": ["a b"], "prompts": ["x"]}, "query 0 does not begin with"),
        ("/get_reward", {"query": ["a b"], "prompts": ["a", "b"]}, "2 prompts for 1 queries"),
        ("/get_reward", {"query": ["a"], "labels": ["x", "y"]}, "2 labels for 1 queries"),
        ("/get_reward", {"query": []}, "query"),
    ],
)
async def test_what_is_wrong_is_a_400_that_names_it(
    path: str, body: dict[str, Any], said: str
) -> None:
    async with client_of(app_of()) as client:
        response = await client.post(path, json=body)
    assert response.status_code == 400
    assert said in error_of(response)["message"]


async def test_pooling_gives_a_list_for_each_text() -> None:
    async with client_of(_app(TextReader())) as client:
        texts = (await client.post("/pooling", json={"input": ["a", "bbb"]})).json()
        one = (await client.post("/pooling", json={"input": "bb", "task": "classify"})).json()
        said = (await client.post("/pooling", json={"messages": ANSWERED})).json()
    assert [(each["index"], each["data"]) for each in texts["data"]] == [(0, [1.0]), (1, [3.0])]
    assert (texts["object"], texts["data"][0]["object"]) == ("list", "pooling")
    assert texts["usage"] == {"prompt_tokens": 4, "total_tokens": 4}
    assert one["data"][0]["data"] == [2.0]
    assert said["data"][0]["data"] == [2.0]


async def test_openrlhf_gets_rewards_in_the_order_of_its_queries() -> None:
    reader = TextReader()
    asked = {
        "query": ["<s>What? good</s>", "<s>Why? bad"],
        "prompts": ["<s>What? ", "<s>Why? "],
        "labels": ["4", "5"],
    }
    async with client_of(_app(reader)) as client:
        whole = (await client.post("/get_reward", json=asked)).json()
    assert reader.texts == asked["query"], "as they are"
    assert whole["rewards"] == [17.0, 11.0]
    assert whole["scores"] == [relevance(17.0), relevance(11.0)]
    assert whole["extra_logs"] == {}
    assert whole["notes"] == ["labels has no effect here: the reward model reads texts alone"]


async def test_openrlhf_labels_are_what_a_verifier_compares_with() -> None:
    def verdict(request: Request, candidate: Candidate) -> float:
        return float(request.reference == candidate.text)

    rewards = FakeRewardModel(verdict)
    asked = {"query": ["1+1=2", "2+2=5"], "prompts": ["1+1=", "2+2="], "labels": ["2", "4"]}
    async with client_of(_app(rewards)) as client:
        found = (await client.post("/get_reward", json=asked)).json()
    assert found["rewards"] == [1.0, 0.0]
    assert [request.last_user_text for request, _ in rewards.calls] == ["1+1=", "2+2="]


class _Short(FakeRewardModel):
    async def score(self, request: Request, candidates: Sequence[Candidate]) -> list[Score]:
        return [Score(1.0)] * (len(candidates) - 1)


@pytest.mark.parametrize(
    ("rewards", "status", "said"),
    [
        (FakeRewardModel({}, raises=RewardError("it broke")), 500, "it broke"),
        (FakeRewardModel({"good": math.nan}), 500, "not a finite number"),
        (_Short({}), 500, "0 scores for 1"),
        (FakeRewardModel({}), 400, "text 0 cannot be scored"),
    ],
)
async def test_a_reward_that_is_missing_is_never_a_number(
    rewards: FakeRewardModel, status: int, said: str
) -> None:
    asked: list[tuple[str, dict[str, Any]]] = [
        ("/v2/rerank", {"query": "x", "documents": ["good"]}),
        ("/score", {"text_1": "x", "text_2": "good"}),
        ("/get_reward", {"query": "x good", "prompts": "x "}),
        ("/pooling", {"messages": [ANSWERED[0], {"role": "assistant", "content": "good"}]}),
    ]
    async with client_of(_app(rewards)) as client:
        for path, body in asked:
            response: httpx.Response = await client.post(path, json=body)
            assert response.status_code == status, path
            assert said in error_of(response)["message"]


class TokenReader(TextReader):
    """Reads tokens, too: at each it says how many there were."""

    async def score_tokens(
        self, texts: Sequence[str | Sequence[int]]
    ) -> list[Sequence[float] | Failure]:
        return [
            Failure("empty", "it is empty") if not text else [float(at) for at in range(len(text))]
            for text in texts
        ]


async def test_pooling_gives_trainers_the_reward_of_every_token() -> None:
    each = {"task": "token_classify"}
    async with client_of(_app(TokenReader())) as client:
        texts = (await client.post("/pooling", json={**each, "input": ["ab", "c"]})).json()
        tokens = (await client.post("/pooling", json={**each, "input": [5, 6, 7]})).json()
        several = (await client.post("/pooling", json={"input": [[5, 6, 7], [8]]})).json()
        squashed = {**each, "input": "ab", "use_activation": True}
        activated = (await client.post("/pooling", json=squashed)).json()
        said = await client.post("/pooling", json={**each, "messages": ANSWERED})
        empty = await client.post("/pooling", json={**each, "input": ["a", ""]})
    assert [item["data"] for item in texts["data"]] == [[[0.0], [1.0]], [[0.0]]]
    assert texts["usage"] == {"prompt_tokens": 3, "total_tokens": 3}
    assert [item["data"] for item in tokens["data"]] == [[[0.0], [1.0], [2.0]]]
    assert [item["data"] for item in several["data"]] == [[2.0], [0.0]], "of tokens the last counts"
    assert [item["data"] for item in activated["data"]] == [[[0.5], [sigmoid(1.0)]]]
    assert "token_classify reads texts or tokens" in error_of(said)["message"]
    assert (empty.status_code, error_of(empty)["message"]) == (
        400,
        "text 1 cannot be scored: it is empty",
    )


async def test_a_reward_model_without_rewards_of_tokens_says_so() -> None:
    async with client_of(_app(TextReader())) as client:
        for body in ({"input": "x", "task": "token_classify"}, {"input": [1, 2]}):
            response = await client.post("/pooling", json=body)
            assert response.status_code == 400
            assert "makes one number of a text" in error_of(response)["message"]
