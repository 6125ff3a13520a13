"""Requests refuse what is out of range, and errors survive pickling."""

from __future__ import annotations

import math
import pickle
from typing import Any

import pytest

from bestofn.core import errors, no_winner
from bestofn.core.ranking import Ranking, ScoredCandidate
from bestofn.core.types import Candidate, Rejection, Request, Score, message_text


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"best_of": 0}, "best_of is 0; it must be at least 1"),
        ({"best_of": 2, "n": 3}, "n is 3; it must be between 1 and best_of (2)"),
        ({"n": 0}, "n is 0"),
        ({"temperature": -0.1}, "temperature is -0.1"),
        ({"temperature": 2.1}, "temperature is 2.1"),
        ({"max_tokens": 0}, "max_tokens is 0"),
        ({"options": {"seed": 1, "n": 2}}, "options holds n, seed: set the field itself"),
    ],
)
def test_a_request_out_of_range_is_refused(fields: dict[str, Any], sentence: str) -> None:
    with pytest.raises(errors.RequestError) as caught:
        Request.from_prompt("hello", **fields)
    assert sentence in str(caught.value)


@pytest.mark.parametrize("content", ["bytes \udcff", [{"type": "text", "text": "bytes \udcff"}]])
def test_a_text_that_is_none_is_refused_before_anything_tokenises_it(content: Any) -> None:
    said = r"messages.1: the text holds half of a surrogate pair \(U\+DCFF\) at 6"
    with pytest.raises(errors.RequestError, match=said):
        Request(({"role": "system", "content": "🙂"}, {"role": "user", "content": content}))


def test_a_request_needs_a_message() -> None:
    with pytest.raises(errors.RequestError, match="at least one message"):
        Request(())


def test_candidate_seeds_count_up() -> None:
    assert [Request.from_prompt("x", seed=7).seed_of(i) for i in range(3)] == [7, 8, 9]
    assert Request.from_prompt("x").seed_of(3) is None


def test_system_message_comes_first_and_the_last_user_text_is_found() -> None:
    request = Request.from_prompt("question", system="be brief")
    assert [message["role"] for message in request.messages] == ["system", "user"]
    assert request.last_user_text == "question"


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("plain", "plain"),
        (None, ""),
        (
            [{"type": "text", "text": "a"}, {"type": "image_url"}, {"type": "text", "text": "b"}],
            "ab",
        ),
    ],
)
def test_message_text(content: Any, text: str) -> None:
    assert message_text({"role": "user", "content": content}) == text


def test_errors_survive_pickling_with_their_ranking() -> None:
    ranking = Ranking(Request.from_prompt("x"), ())
    for kind in (no_winner.GeneratorError, no_winner.RewardError, no_winner.NothingAcceptableError):
        again = pickle.loads(pickle.dumps(kind("a sentence", ranking)))
        assert (type(again), str(again), again.ranking) == (kind, "a sentence", ranking)


def test_a_reason_given_twice_counts_its_candidate_once() -> None:
    twice = (Rejection("a", "loop", "x"), Rejection("b", "loop", "y"))
    candidate = Candidate(0, {"role": "assistant", "content": "t"}, "stop")
    ranking = Ranking(Request.from_prompt("x"), (ScoredCandidate(candidate, twice),))
    assert ranking.rejected == {"loop": 1}
    assert ranking.winner is None


@pytest.mark.parametrize("odd", [1.7e308, -1e101, math.inf, math.nan, None])
def test_a_reward_that_orders_nothing_or_has_no_mean_is_a_failure(odd: float | None) -> None:
    score = Score.of(odd)
    assert score.reward is None
    assert score.failure is not None
    assert score.failure.reason == "reward_not_finite"
    assert Score.of(1e100).reward == 1e100
