"""Several prompts in one request: whose each choice is, and one that has no acceptable answer."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from bestofn import Settings
from bestofn.control.policy import Policy
from bestofn.core.types import Candidate, Request
from bestofn.filters.empty import EmptyFilter
from bestofn.testing import FakeCompletion
from bestofn_server.app import create_app
from tests.support.scripts import pipeline_of
from tests.support.serving import client_of, error_of

TEXT = "/v1/completions"


def _script(request: Request, index: int) -> FakeCompletion:
    """The prompt "one" has one answer, "none" has none, and all others as many as are asked for."""
    prompt = str(request.messages[0]["content"])
    empty = prompt == "none" or (prompt == "one" and index > 0)
    return FakeCompletion("" if empty else f"{prompt} {index}")


def _earlier_is_better(request: Request, candidate: Candidate) -> float:
    return -float(candidate.index)


async def _asked(**body: Any) -> httpx.Response:
    filters, policy = (EmptyFilter(),), Policy("error")
    pipeline = pipeline_of(_script, _earlier_is_better, filters=filters, policy=policy)[0]
    async with client_of(create_app(Settings(best_of=2), pipeline)) as client:
        return await client.post(TEXT, json=body)


def _choices(response: httpx.Response) -> list[tuple[int, str]]:
    """(index, text) of the choices, of a stream's too."""
    if not response.headers["content-type"].startswith("text/event-stream"):
        return [(each["index"], each["text"]) for each in response.json()["choices"]]
    texts: dict[int, str] = {}
    for chunk in _chunks(response):
        for each in chunk["choices"]:
            texts[each["index"]] = texts.get(each["index"], "") + each["text"]
    return list(texts.items())


def _chunks(response: httpx.Response) -> list[dict[str, Any]]:
    lines = [line for line in response.text.split("\n\n") if line.startswith("data: {")]
    return [json.loads(line.removeprefix("data: ")) for line in lines]


@pytest.mark.parametrize("stream", [False, True])
async def test_the_choices_of_a_prompt_begin_at_its_number_times_n(stream: bool) -> None:
    response = await _asked(prompt=["one", "b", "c"], n=2, best_of=2, stream=stream)
    assert _choices(response) == [
        (0, "one 0"),
        (2, "b 0"),
        (3, "b 1"),
        (4, "c 0"),
        (5, "c 1"),
    ], "index 1 is that of the answer which the first prompt does not have"
    if stream:
        assert ["bestofn" in chunk for chunk in _chunks(response)].count(True) == 1
        assert len(_chunks(response)[-1]["bestofn"]) == 3


@pytest.mark.parametrize("stream", [False, True])
async def test_a_prompt_without_an_answer_costs_the_others_nothing(stream: bool) -> None:
    response = await _asked(prompt=["a", "none", "c"], stream=stream)
    assert response.status_code == 200
    assert _choices(response) == [(0, "a 0"), (2, "c 0")]
    body = _chunks(response)[-1] if stream else response.json()
    first, second, third = body["bestofn"]
    assert (first["notes"], third["notes"]) == ([], [])
    assert second["notes"][-1].startswith("prompt 1 has no choice: ")
    assert (second["winner"], second["returned"], second["sampled"]) == (None, [], 2)
    assert second["rejected"] == {"empty": 2}
    assert "x-bestofn-winner" not in response.headers


async def test_where_no_prompt_has_an_answer_the_sentence_names_one() -> None:
    response = await _asked(prompt=["none", "none"])
    assert response.status_code == 422
    assert error_of(response)["code"] == "nothing_acceptable"
    assert error_of(response)["message"].startswith("none of the 2 prompts has an answer; prompt 0")
    alone = await _asked(prompt=["none"])
    assert alone.status_code == 422
    assert "prompt" not in error_of(alone)["message"].partition(":")[0]
