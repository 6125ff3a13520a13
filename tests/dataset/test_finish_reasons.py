"""Finish reasons of answers that exist: wherever they stand, in whatever server's words."""

from __future__ import annotations

from typing import Any

import pytest

from bestofn.cli.json_lines import read_rows
from bestofn.dataset.cleaning.answers import read_answers

SAID = {"role": "assistant", "content": "It goes on."}


def of_filter(record: dict[str, Any]) -> list[str]:
    """The finish reasons as `filter` reads them."""
    return [each.finish_reason or "" for each in read_answers(0, "x:1", record, {}).candidates]


def of_score(record: dict[str, Any]) -> list[str]:
    """The finish reasons as `score` reads them."""
    (row,) = read_rows([("x:1", record)])
    assert row.error is None
    return [each.finish_reason or "" for each in row.candidates]


SEVERAL: list[tuple[dict[str, Any], list[str]]] = [
    ({"responses": ["a", "b"]}, ["stop", "stop"]),
    ({"responses": ["a", "b"], "finish_reason": "MAX_TOKENS"}, ["length", "length"]),
    ({"responses": ["a", "b"], "finish_reason": ["length", "stop"]}, ["length", "stop"]),
    ({"responses": ["a", "b"], "finish_reason": ["max_tokens", None]}, ["length", "stop"]),
    ({"responses": ["a"], "finish_reason": float("nan")}, ["stop"]),
    ({"responses": [{"text": "a", "finish_reason": "model_length"}, "b"]}, ["length", "stop"]),
    ({"responses": [{**SAID, "finish_reason": "length"}, SAID]}, ["length", "stop"]),
    ({"responses": [[{**SAID, "finish_reason": "length"}], [SAID]]}, ["length", "stop"]),
    ({"responses": [{**SAID, "finish_reason": "eos"}], "finish_reason": "length"}, ["stop"]),
]


@pytest.mark.parametrize(("record", "expected"), SEVERAL)
def test_filter_and_score_read_the_same_finish_reasons(
    record: dict[str, Any], expected: list[str]
) -> None:
    asked = {"prompt": "Hi", **record}
    assert of_filter(asked) == of_score(asked) == expected


@pytest.mark.parametrize("reason", ["max_tokens", "MAX_TOKENS", "model_length", "length"])
@pytest.mark.parametrize(
    "record",
    [
        {"prompt": "x", "response": "It goes on."},
        {"prompt": "x", "chosen": "a", "rejected": "b"},
        {"prompt": [{"role": "user", "content": "x"}], "completion": [SAID]},
    ],
)
def test_a_limit_is_one_in_every_servers_words(record: dict[str, Any], reason: str) -> None:
    assert set(of_filter({**record, "finish_reason": reason})) == {"length"}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (["length"], ["stop", "stop"]),
        (["length", "length", "length"], ["stop", "stop"]),
        (0, ["stop", "stop"]),
        ({"type": "length"}, ["stop", "stop"]),
        (["length", 5], ["length", "stop"]),
    ],
)
def test_one_that_cannot_be_read_is_not_known(given: Any, expected: list[str]) -> None:
    record = {"prompt": "x", "responses": ["a", "b"], "finish_reason": given}
    assert of_filter(record) == of_score(record) == expected


@pytest.mark.parametrize("given", [0, ["length"], {"type": "length"}])
def test_one_within_an_answer_that_cannot_be_read_is_not_known(given: Any) -> None:
    for answer in ({"text": "a", "finish_reason": given}, {**SAID, "finish_reason": given}):
        record = {"prompt": "x", "responses": [answer]}
        assert of_filter(record) == of_score(record) == ["stop"]
