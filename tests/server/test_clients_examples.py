"""The examples of clients, as they are written, against the app on the real engine."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from bestofn import Pipeline, Settings
from bestofn_server.app import create_app
from tests.support.client_example import run_client
from tests.support.serving import serving
from tests.test_examples import NEEDS_A_SERVER

CHOICE = re.compile(r"(\d)\. reward (-?\d+\.\d\d): (.+)")


@pytest.fixture(scope="module")
async def url(pipeline: Pipeline) -> AsyncIterator[str]:
    """The app, which wants a key."""
    keys: Any = {"api_keys": ["secret"]}
    async with serving(create_app(Settings(engine="vllm", server=keys), pipeline)) as served:
        yield served


@pytest.fixture(scope="module")
async def expected(url: str) -> dict[str, Any]:
    """The server's own answer to what the examples ask."""
    headers = {"authorization": "Bearer secret"}
    async with httpx.AsyncClient(base_url=url, headers=headers, timeout=60) as client:
        body = {
            "messages": [{"role": "user", "content": "What is 8 - 5?"}],
            **{"best_of": 8, "n": 3, "seed": 136, "bestofn": {"return_candidates": "summary"}},
        }
        answer: dict[str, Any] = (await client.post("/v1/chat/completions", json=body)).json()
        return answer


def _texts(answer: dict[str, Any]) -> list[str]:
    return [choice["message"]["content"] for choice in answer["choices"]]


def _assert_ranked(lines: list[str], answer: dict[str, Any]) -> None:
    """See that the first lines are the answer's choices, with their places and rewards."""
    found = [match.groups() for line in lines[:3] if (match := CHOICE.fullmatch(line))]
    assert [(int(place), text) for place, _, text in found] == list(enumerate(_texts(answer), 1))
    rewards = [float(reward) for _, reward, _ in found]
    assert rewards == pytest.approx(answer["bestofn"]["rewards"], abs=0.011)
    assert rewards == sorted(rewards, reverse=True)


@pytest.mark.slow
async def test_openai(url: str, expected: dict[str, Any]) -> None:
    lines, errors, code = await run_client("openai", url)
    assert (code, errors) == (0, "")
    _assert_ranked(lines, expected)
    rejected = [
        f"rejected {candidate['index']}: {rejection['reason']}, {rejection['detail']}"
        for candidate in expected["bestofn"]["candidates"]
        for rejection in candidate["rejections"]
    ]
    assert rejected
    assert lines[3:] == [*rejected, f"streamed: {_texts(expected)[0]}"]


@pytest.mark.slow
async def test_langchain(url: str, expected: dict[str, Any]) -> None:
    lines, errors, code = await run_client("langchain", url)
    assert (code, errors) == (0, "")
    answer, tokens, chain = lines
    assert answer == f"answer: {_texts(expected)[0]}"
    assert tokens == f"tokens sampled: {expected['bestofn']['tokens']['all_candidates']}"
    assert re.fullmatch(r"chain: .*7 is larger.*", chain)


@pytest.mark.slow
async def test_litellm(url: str, expected: dict[str, Any]) -> None:
    lines, errors, code = await run_client("litellm", url)
    assert (code, errors) == (0, "")
    _assert_ranked(lines, expected)
    report = expected["bestofn"]
    assert lines[3:] == [f"{report['accepted']} of 8 accepted, rejected: {report['rejected']}"]


def test_every_example_that_needs_a_server_is_run_here() -> None:
    tested = {name.removeprefix("test_") for name in globals() if name.startswith("test_")}
    assert {example.removesuffix("_client.py") for example in NEEDS_A_SERVER} <= tested
