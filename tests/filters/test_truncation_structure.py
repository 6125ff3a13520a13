"""Tests that the truncation filter sees structures that were left open: fences, brackets, rows."""

from __future__ import annotations

import pytest

from bestofn.filters.truncation.filter import TruncationFilter
from tests.support.filter_checking import reason, rejection

FILTER = TruncationFilter()


@pytest.mark.parametrize("fence", ["```", "~~~", "````"])
def test_open_fence(fence: str) -> None:
    body = f"Here is the function.\n\n{fence}python\ndef f(x):\n    return x\n"
    assert reason(FILTER, body) == "unclosed_fence"
    assert reason(FILTER, body + fence) is None
    assert reason(FILTER, body + fence + "\n\nIt returns its argument.") is None


def test_fences_within_fences() -> None:
    inner = "```markdown\nSome text.\n```python\nx = 1\n```\n"
    assert reason(FILTER, inner) == "unclosed_fence"
    assert reason(FILTER, inner + "```") is None
    assert reason(FILTER, "~~~\n```\nx\n~~~") is None


def test_open_think() -> None:
    assert reason(FILTER, "<think>First I add 2 and 2. That is 4.") == "unclosed_think"
    assert reason(FILTER, "<think>First I add 2 and 2.</think>\n\nIt is 4.") is None
    assert reason(FILTER, "I had to add.</think>\n\nIt is 4.") is None


@pytest.mark.parametrize(
    ("text", "expected", "mark"),
    [
        ("He went to the store (the big one", "unclosed_bracket", "("),
        ("The list is [1, 2, 3", "unclosed_bracket", "["),
        ("主要成分（例如二氧化硫和氮氧化物", "unclosed_bracket", "（"),
        ("推荐阅读《红楼", "unclosed_bracket", "《"),
        ("注意【重要", "unclosed_bracket", "【"),
        ("老师说：“明天我们", "unclosed_quote", "“"),
        ("她说「今天", "unclosed_quote", "「"),
        ("老师说：“明天我们去公园。", "unclosed_quote", "“"),
        ('He said: "I will come to', "unclosed_quote", '"'),
        ("More is in [the manual](https://example.com/do", "unclosed_bracket", "link"),
        ("Call the function `os.path.jo", "unclosed_code", "code"),
        ("The result is $$x = \\frac{1}{2", "unclosed_bracket", "{"),
        ("The result is \\(x = 5", "unclosed_code", "formula"),
    ],
)
def test_open_brackets_quotes_and_spans(text: str, expected: str, mark: str) -> None:
    found = rejection(FILTER, text)
    assert found is not None
    assert found.reason == expected
    assert mark in found.detail


def test_cut_table_rows() -> None:
    head = "| name | size |\n|------|------|\n| a | 1 |\n"
    assert reason(FILTER, head + "| b | 2 |") is None
    assert reason(FILTER, head + "| b | 2") == "cut_row"
    assert reason(FILTER, head + "| b |") == "cut_row"
    assert reason(FILTER, head + "|") == "cut_row"


def test_rows_that_have_only_begun() -> None:
    assert reason(FILTER, "The signals are these.\n\n| name | val") == "cut_row"
    assert reason(FILTER, "The absolute value of x is this:\n\n|x|") is None
    assert reason(FILTER, "It can do more (see Section 1.4.") == "unclosed_bracket"
    assert reason(FILTER, "It can do more (see the end.") is None


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("def f(x):\n    return g(x, [1, 2", "unclosed_bracket"),
        ('def f(x):\n    """Return the argument, which', "unclosed_bracket"),
        ("import os\n\nfor name in os.listdir():", "open_end"),
        ("import os\n\nprint('a (b', \"c [\")  # and (so on", None),
        ('{\n  "a": [1, 2],\n  "b": {"c"', "unclosed_bracket"),
        ('def f(self):\n    return "an open', "unclosed_bracket"),
        ("def f(self):\n    x = 1  # it's fine\n    return x", None),
        ("def f(self):\n    # The result is", "open_end"),
        ("for i in x:\n    print(i)\n    # prints 1 2 3", None),
        ("def f(self, x)", "open_end"),
        ("f(a,\ng(b,\nx = [\n\nThis is the last sentence.", None),
        ("def f(x):\n    return [y for y in x\n        if y in (1, 2)]", None),
    ],
)
def test_program_text_without_a_fence(code: str, expected: str | None) -> None:
    assert reason(FILTER, code) == expected


def test_sessions_of_an_interpreter() -> None:
    assert reason(FILTER, ">>> x = 1\n>>> print(x") == "unclosed_bracket"
    assert reason(FILTER, ">>> x = 1\n>>> print(x)") is None
    assert reason(FILTER, ">>> print('(')\n(") is None
