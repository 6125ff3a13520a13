"""The judge by probability over a stub on a real socket."""

from __future__ import annotations

import math
from typing import Any

import pytest

from tests.support.rewards.judges import REQUEST, TOKENS, candidates, judging, reasons_of, reply


def logprobs(**chances: float) -> dict[str, Any]:
    """What a server gives for a first token; `_` stands for a space."""
    top = [
        {"token": token.replace("_", " "), "logprob": math.log(chance)}
        for token, chance in chances.items()
    ]
    first = {"token": "?", "logprob": -0.1, "top_logprobs": top}
    later = {"token": "No", "logprob": 0.0, "top_logprobs": [{"token": "No", "logprob": 0.0}]}
    return {"content": [first, later]}


@pytest.mark.parametrize(
    ("given", "reward"),
    [
        ({"Yes": 0.6, "No": 0.2}, 0.75),
        ({"Yes": 0.1, "_yes": 0.1, "YES": 0.1, "_No": 0.1, "Nope": 0.5}, 0.75),
        ({"Yes": 0.3, "Maybe": 0.6}, 1.0),
        ({"No": 0.3}, 0.0),
    ],
)
async def test_the_reward_is_the_share_of_yes(given: dict[str, float], reward: float) -> None:
    script = lambda body: reply("Yes", "length", logprobs=logprobs(**given))  # noqa: E731
    async with judging(script, mode="probability") as (judge, stub):
        (score,) = await judge.score(REQUEST, candidates(["3"]))
    assert score.reward == pytest.approx(reward, abs=1e-12)
    assert score.tokens == TOKENS
    body = stub.bodies[0]
    assert (body["logprobs"], body["top_logprobs"], body["max_completion_tokens"]) == (True, 20, 1)
    assert "response_format" not in body


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (logprobs(Maybe=0.9, Nope=0.1), "neither Yes nor No is among the judge's 2 likeliest"),
        (None, "gives no log-probabilities"),
        ({"content": []}, "gives no log-probabilities"),
        ({"content": [{"token": "Yes"}]}, "gives no log-probabilities"),
        (
            {"content": [{"top_logprobs": [{"token": "Yes", "logprob": -1e9}]}]},
            "neither Yes nor No",
        ),
    ],
)
async def test_no_probability_is_a_failure(given: Any, why: str) -> None:
    script = lambda body: reply("Yes", logprobs=given)  # noqa: E731
    async with judging(script, mode="probability") as (judge, _):
        scores = await judge.score(REQUEST, candidates(["3"]))
    assert reasons_of(scores) == ["judge_unparsable"]
    assert scores[0].failure is not None
    assert why in scores[0].failure.detail


async def test_words_of_ones_own() -> None:
    script = lambda body: reply("+", logprobs=logprobs(Yes=0.5, ja=0.3, nein=0.1))  # noqa: E731
    async with judging(script, mode="probability", words=("Ja", "Nein")) as (judge, stub):
        (score,) = await judge.score(REQUEST, candidates(["3"]))
    assert score.reward == pytest.approx(0.75)
    assert "Reply with one word: Ja or Nein." in stub.bodies[0]["messages"][0]["content"]
