"""What an answer says of its candidates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from bestofn import Settings
from bestofn.core.types import Candidate, Request, Score
from bestofn.testing import FakeCompletion, FakeRewardModel
from bestofn_server.app import create_app
from tests.support.scripts import CUT, pipeline_of
from tests.support.serving import ask, client_of


async def _candidates(detail: str) -> Any:
    script = ["good", "better", CUT, FakeCompletion(error="out of memory")]
    pipeline, _, _ = pipeline_of(script)
    async with client_of(create_app(Settings(best_of=4), pipeline)) as client:
        body = ask(seed=5, n=2, bestofn={"return_candidates": detail})
        report = (await client.post("/v1/chat/completions", json=body)).json()["bestofn"]
    assert report["returned"] == [
        {"candidate": 1, "reward": 2.0, "finish_reason": "stop"},
        {"candidate": 0, "reward": 1.0, "finish_reason": "stop"},
    ]
    assert (report["rewards"], report["winner"]) == ([2.0, 1.0], 1)
    assert (report["rejected"], report["failed"]) == ({"length": 1}, {"generation_error": 1})
    return report.get("candidates")


async def test_candidates_are_told_as_far_as_was_asked() -> None:
    assert await _candidates("none") is None
    cut = {"filter": "cut", "reason": "length", "detail": "it did not end", "certain": True}
    failure = {"reason": "generation_error", "detail": "out of memory"}
    rows: list[tuple[Any, ...]] = [
        (1, 1, 2.0, "stop", 1, 6, [], None),
        (0, 2, 1.0, "stop", 1, 5, [], None),
        (2, None, None, "length", 1, 7, [cut], None),
        (3, None, None, "error", 0, 8, [], failure),
    ]
    names = ["index", "rank", "reward", "finish_reason", "completion_tokens", "seed"]
    names += ["rejections", "failure"]
    nothing: dict[str, Any] = {"components": {}, "cut": 0, "answer_key": None}
    nothing["mean_logprob"] = None
    summary = [dict(zip(names, row, strict=True)) | nothing for row in rows]
    assert await _candidates("summary") == summary
    texts = ["better", "good", "cut", ""]
    assert await _candidates("full") == [
        {**each, "text": text, "message": {"role": "assistant", "content": text}}
        for each, text in zip(summary, texts, strict=True)
    ]


async def test_what_the_reward_is_made_of_and_what_was_cut_are_told() -> None:
    score = Score(1.5, components={"helpful": 1.0, "safe": 2.0}, cut=7)
    pipeline, _, _ = pipeline_of(["good"], FakeRewardModel({"good": score}))
    async with client_of(create_app(Settings(best_of=1), pipeline)) as client:
        asked = {"prompt": "x", "responses": ["good"], "filters": []}
        item = (await client.post("/v1/rewards", json=asked)).json()["data"][0]
    assert (item["reward"], item["cut"]) == (1.5, 7)
    assert item["components"] == {"helpful": 1.0, "safe": 2.0}


async def test_a_reference_goes_to_what_scores() -> None:
    pipeline, _, rewards = pipeline_of(["4", "5"], FakeRewardModel({"4": 0.0, "5": 1.0}))
    async with client_of(create_app(Settings(best_of=2), pipeline)) as client:
        asked: dict[str, Any] = {"messages": [{"role": "user", "content": "2 + 3?"}]}
        given = {"bestofn": {"reference": {"answer": 5}}}
        assert (await client.post("/v1/chat/completions", json=asked | given)).status_code == 200
        asked = {"prompt": "2 + 3?", "responses": ["4"], "reference": "5"}
        assert (await client.post("/v1/rewards", json=asked)).status_code == 200
    assert [request.reference for request, _ in rewards.calls] == [{"answer": 5}, "5"]


async def test_a_reward_model_that_compares_sees_all_that_were_kept_at_once() -> None:
    calls: list[list[str]] = []

    class Placing:
        compares = True

        async def score(self, request: Request, candidates: Sequence[Candidate]) -> list[Score]:
            calls.append([candidate.text for candidate in candidates])
            return [Score(float(len(candidate.text))) for candidate in candidates]

    pipeline, _, _ = pipeline_of(["good", "better", CUT, "best of all"])
    pipeline = replace(pipeline, reward_model=Placing())
    async with client_of(create_app(Settings(best_of=4), pipeline)) as client:
        answer = (await client.post("/v1/chat/completions", json=ask())).json()
    assert [sorted(each) for each in calls] == [["best of all", "better", "good"]]
    assert answer["choices"][0]["message"]["content"] == "best of all"
