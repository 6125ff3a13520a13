"""Tests the filters that are on by default, together, and what importing filters costs."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from bestofn.core.types import Request
from bestofn.filters.empty import EmptyFilter
from bestofn.filters.repetition.filter import RepetitionFilter
from bestofn.filters.truncation.filter import TruncationFilter
from tests.support.filter_checking import candidate

CARD = Path(__file__).resolve().parents[3] / "shared" / "ziya_card.json"
DEFAULTS = (EmptyFilter(), RepetitionFilter(), TruncationFilter())


def reasons(prompt: str, text: str) -> list[tuple[str, str]]:
    """(filter, reason) of every default filter that rejects `text`."""
    request = Request.from_prompt(prompt)
    found = [each.check(request, candidate(text)) for each in DEFAULTS]
    return [(each.filter, each.reason) for each in found if each is not None]


@pytest.mark.skipif(not CARD.exists(), reason=f"{CARD.name} is not beside the repository")
def test_model_card_of_ziya() -> None:
    pollution, poems = json.loads(CARD.read_text(encoding="utf-8"))["cases"]
    assert [reasons(pollution["query"], text) for text in pollution["responses"]] == [
        [],
        [("repetition", "exact_loop")],
        [],
        [("truncation", "open_end")],
    ]
    assert [reasons(poems["query"], text) for text in poems["responses"]] == [[], [], [], []]


@pytest.mark.parametrize(
    "text", ["17 + 25 = 42.", "答案是 42。", "42", "Yes.", "是的。", "It is 7."]
)
def test_short_complete_answers_pass(text: str) -> None:
    assert reasons("What is it?", text) == []


@pytest.mark.parametrize(
    "module", ["bestofn.filters", *(f"bestofn.filters.{f}" for f in ("language", "json_schema"))]
)
def test_heavy_libraries_load_only_when_a_filter_is_made(module: str) -> None:
    heavy = "torch", "vllm", "lingua", "jsonschema", "transformers"
    program = f"import {module}, sys; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
