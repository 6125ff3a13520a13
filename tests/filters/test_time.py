"""Tests that no filter is slow on texts that are made to be slow."""

from __future__ import annotations

import time

import pytest

from bestofn.builders.pipeline import build_filters
from bestofn.core.types import Request
from bestofn.settings.sections import FilterSpec
from tests.support.filter_checking import candidate

pytestmark = pytest.mark.slow

SIZE = 128_000
NAMES = (
    *("empty", "template_token", "repetition", "truncation", "tool_calls", "json_schema"),
    *("control_characters", "script", "echo", "language"),
)
REQUEST = Request.from_prompt("Which of the rivers of the valley is the longest, and why so?")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "unit",
    [
        "a",
        "a@",
        "这是一段没有空格的文字，",
        "\u3000",
        "\xa0",
        "`",
        "([{",
        "„“»«",
        "<think>",
        "#a ",
        "\n ",
        "\u3000\xa0\u3000\n",
    ],
    ids=range(12),
)
def test_a_long_hostile_text_is_judged_in_time(name: str, unit: str) -> None:
    (judge,) = build_filters([FilterSpec(name=name)])
    text = (unit * (SIZE // len(unit) + 1))[:SIZE]
    begin = time.process_time()
    judge.check(REQUEST, candidate(text))
    judge.check(REQUEST, candidate(f"x{text}y"))
    judge.check(Request.from_prompt(f"x{text}y"), candidate(text))
    assert time.process_time() - begin < 5


def test_a_prompt_of_blank_lines_is_read_once() -> None:
    """Read anew from each of its lines it takes 4 s."""
    (judge,) = build_filters([FilterSpec(name="echo")])
    prompt = "\n " * 25_000
    begin = time.process_time()
    judge.check(Request.from_prompt(prompt), candidate("An answer."))
    assert time.process_time() - begin < 1
