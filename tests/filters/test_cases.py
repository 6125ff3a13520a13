"""The collected cases of answers, each kept or rejected by the default filters as it has to be."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bestofn.builders.pipeline import build_filters
from bestofn.core.types import Candidate, Request
from bestofn.settings.settings import Settings

FILE = Path(__file__).parents[3] / "shared" / "cases" / "filters.jsonl"
CASES: list[dict[str, Any]] = (
    [json.loads(line) for line in FILE.read_text(encoding="utf-8").splitlines()]
    if FILE.is_file()
    else []
)


@pytest.mark.skipif(not CASES, reason="the cases are not in this repository")
def test_there_are_as_many_cases_as_are_told() -> None:
    assert len(CASES) == 172


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_a_case_is_kept_or_rejected_as_it_has_to_be(case: dict[str, Any]) -> None:
    (response,) = case["responses"]
    request = Request.from_prompt(case["prompt"])
    message = {"role": "assistant", "content": response["text"]}
    candidate = Candidate(0, message, response.get("finish_reason", "stop"))
    found = [each.check(request, candidate) for each in build_filters(Settings().filters)]
    reasons = [each.reason for each in found if each is not None]
    assert ("reject" if reasons else "keep") == case["expected"], reasons
