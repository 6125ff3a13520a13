"""The JSON verifier."""

from __future__ import annotations

from typing import Any

import pytest

from bestofn.core.types import Request
from bestofn.rewards.verifiers.open import open_verifier
from bestofn.settings.verifier import VerifierSettings
from tests.support.rewards.answering import candidates_of

SCHEMA = {
    "type": "object",
    "properties": {"a": {"type": "integer"}, "b": {"type": "string"}},
    "required": ["a"],
}
FORMAT = {"type": "json_schema", "json_schema": {"name": "x", "schema": SCHEMA}}
RIGHT = ['{"a": 1}', '```json\n{"a": 2}\n```', '<think>{}</think>{"a": 3}']
WRONG = ['{"a": "1", "b": 2}', "{"]


@pytest.mark.parametrize(
    ("options", "fields"),
    [
        ({"schema": SCHEMA}, {}),
        ({}, {"reference": SCHEMA}),
        ({}, {"options": {"response_format": FORMAT}}),
    ],
)
async def test_what_fits_is_right(options: dict[str, Any], fields: dict[str, Any]) -> None:
    opened = open_verifier(VerifierSettings(check="json_schema", options=options, concurrency=1))
    try:
        request = Request.from_prompt("?", **fields)
        scores = await opened.score(request, candidates_of([*RIGHT, *WRONG]))
    finally:
        opened.close()
    assert [score.reward for score in scores] == [1.0, 1.0, 1.0, 0.0, 0.0]
    assert [score.components["errors"] for score in scores] == [0, 0, 0, 2, 1]


async def test_what_is_no_schema_and_what_takes_too_long_are_failures() -> None:
    opened = open_verifier(VerifierSettings(check="json_schema", concurrency=1, timeout=1))
    slow = {"type": "string", "pattern": "^(a+)+$"}
    try:
        for reference, text, reason in [
            (None, "{}", "no_reference"),
            ({"type": 5}, "{}", "unusable_reference"),
            (slow, '"' + "a" * 40 + '!"', "verifier_timeout"),
        ]:
            request = Request.from_prompt("?", reference=reference)
            (score,) = await opened.score(request, candidates_of([text]))
            assert score.failure is not None
            assert score.failure.reason == reason
    finally:
        opened.close()
