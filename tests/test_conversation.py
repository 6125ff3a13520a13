"""The same row means the same to `score`, `sample` and POST /v1/rewards, or is refused alike."""

from __future__ import annotations

from typing import Any

import pytest

from bestofn import Settings
from bestofn.cli.json_lines import read_rows
from bestofn.core.types import Request
from bestofn.dataset.prompts.rows import Defaults, read_row
from bestofn.testing import FakeRewardModel
from bestofn_server.app import create_app
from tests.support.scripts import pipeline_of
from tests.support.serving import client_of, error_of

pytestmark = pytest.mark.model

USER = {"role": "user", "content": "Hi"}


def scored(row: dict[str, Any]) -> Request | str:
    (read,) = read_rows([("a.jsonl:1", {**row, "responses": ["good"]})])
    return read.request or str(read.error)


def sampled(row: dict[str, Any]) -> Request | str:
    read = read_row(0, "a.jsonl:1", row, {}, Defaults(4))
    return read.request or str(read.error)


async def served(row: dict[str, Any]) -> Request | str:
    pipeline, _, rewards = pipeline_of(["good"], FakeRewardModel({"good": 1.0}))
    async with client_of(create_app(Settings(), pipeline)) as client:
        answer = await client.post("/v1/rewards", json={**row, "responses": ["good"]})
    if answer.status_code == 200:
        return rewards.calls[0][0]
    assert answer.status_code == 400
    return str(error_of(answer)["message"])


@pytest.mark.parametrize(
    ("row", "messages"),
    [
        ({"prompt": "Hi"}, [USER]),
        ({"prompt": "Hi", "messages": None, "system": None}, [USER]),
        (
            {"prompt": "Hi", "system": "Be brief."},
            [{"role": "system", "content": "Be brief."}, USER],
        ),
        ({"messages": [USER], "system": "S"}, [{"role": "system", "content": "S"}, USER]),
        ({"messages": [{**USER, "name": None}], "reference": 5}, [USER]),
        ({"messages": [USER], "reference": {"tests": ["assert f() == 1"]}}, [USER]),
    ],
)
async def test_the_same_row_asks_the_same(row: dict[str, Any], messages: list[Any]) -> None:
    for request in (scored(row), sampled(row), await served(row)):
        assert isinstance(request, Request), request
        assert list(request.messages) == messages
        assert request.reference == row.get("reference")


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        ({}, "give either prompt or messages"),
        ({"prompt": "Hi", "messages": [USER]}, "give either prompt or messages"),
        ({"messages": []}, "messages: must not be empty"),
        ({"prompt": ["Hi"]}, "prompt: must be a text"),
        ({"prompt": "Hi", "system": 3}, "system: must be a text"),
        ({"messages": ["Hi"]}, "messages.0: must be a mapping"),
    ],
)
async def test_what_is_wrong_with_it_is_said_alike(row: dict[str, Any], sentence: str) -> None:
    said = [scored(row), sampled(row), await served(row)]
    assert [str(each).partition(": the columns are")[0] for each in said] == [sentence] * 3


async def test_responses_to_an_empty_prompt_are_scored_and_none_is_sampled() -> None:
    row = {"prompt": ""}
    assert isinstance(scored(row), Request)
    assert isinstance(await served(row), Request)
    assert sampled(row) == "prompt: must not be empty"
