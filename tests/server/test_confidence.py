"""The confidence in the winner, and how it was chosen: in report, header and metrics."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import httpx
import pytest

from bestofn import Pipeline, Settings
from bestofn.builders.choosing import build_selector
from bestofn.settings.sections import SelectorSettings
from bestofn.testing import FakeGenerator
from bestofn_server.app import create_app
from tests.support.serving import ask, client_of

CHAT, TEXT = "/v1/chat/completions", "/v1/completions"
HEADER = "x-bestofn-confidence"


async def _answer(
    body: dict[str, Any], script: Sequence[str] = ("8", "7", "It is 8.", "8"), path: str = CHAT
) -> tuple[httpx.Response, str]:
    """The answer of a service without a reward model, and its metrics."""
    selector = build_selector(SelectorSettings())
    pipeline = Pipeline(FakeGenerator(list(script)), selector)
    async with client_of(create_app(Settings(best_of=4, model="m"), pipeline)) as client:
        response = await client.post(path, json=body)
        return response, (await client.get("/metrics")).text


async def test_the_winners_share_is_told_everywhere() -> None:
    response, metrics = await _answer(ask(n=2, bestofn={"return_candidates": "summary"}))
    body = response.json()
    report = body["bestofn"]
    assert response.headers[HEADER] == "0.7500"
    assert report["confidence"] == 0.75
    assert report["chosen_by"] == {"rule": "weighted_vote", "answer_key": "text", "score": None}
    assert [each["answer_key"] for each in report["candidates"]] == ["8", "8", "8", "7"]
    assert [choice["message"]["content"] for choice in body["choices"]] == ["8", "It is 8."]
    by = 'model="m",profile="",rule="weighted_vote"'
    assert f'bestofn_confidence_bucket{{le="0.8",{by}}} 1.0' in metrics
    assert f'bestofn_confidence_bucket{{le="0.7",{by}}} 0.0' in metrics
    assert 'bestofn_winner_index_count{model="m",profile=""} 1.0' in metrics


async def test_several_prompts_have_the_least_sure_in_the_header() -> None:
    body = {"prompt": ["x", "y"], "best_of": 2}
    response, _ = await _answer(body, ["8", "8", "8", "7"], TEXT)
    assert response.headers[HEADER] == "1.0000"
    response, _ = await _answer({"prompt": ["x", "y"], "best_of": 2}, ["8", "7"], TEXT)
    assert response.headers[HEADER] == "0.5000"
    assert [each["confidence"] for each in response.json()["bestofn"]] == [0.5, 0.5]


@pytest.mark.parametrize("fields", [{"best_of": 1, "bestofn": {}}, {"stream": True}])
async def test_where_it_is_not_known_in_time_there_is_no_header(fields: dict[str, Any]) -> None:
    response, _ = await _answer(ask(**fields))
    assert response.status_code == 200
    assert HEADER not in response.headers
    if "stream" in fields:
        assert '"confidence":0.75' in response.text.replace('": ', '":')
    else:
        assert response.json()["bestofn"]["confidence"] is None


async def test_a_request_may_choose_otherwise() -> None:
    own = {"selector": "consensus", "answer_key": "number"}
    response, metrics = await _answer(ask(bestofn=own), ["aaaa", "bbbb", "bbbb", "cccc"])
    report = response.json()["bestofn"]
    assert (report["winner"], report["confidence"]) == (1, 0.5)
    assert report["chosen_by"] == {"rule": "consensus", "answer_key": None, "score": None}
    assert 'rule="consensus"' in metrics
