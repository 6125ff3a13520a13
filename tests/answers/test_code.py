"""Programs: the same however they are laid out, and no prose among them."""

from __future__ import annotations

import time

import pytest

from bestofn.answers.code import CodeKey
from tests.support.answers import key_of


def test_programs_are_the_same_whatever_their_layout_and_comments() -> None:
    texts = [
        "```python\ndef f(x):\n    # adds\n    return x+1\n```",
        "Here:\n```python\ndef f( x ):\n  return (x + 1)\n```\nCall it:\n```\nf(2)\n```",
    ]
    assert len({key_of(CodeKey(), text) for text in texts}) == 1
    assert key_of(CodeKey(), "```python\nx = 1\n```") != key_of(CodeKey(), "```python\nx = 2\n```")
    other = [f"```c\nint x;{end}\n```" for end in ("", "  \n\n")]
    assert len({key_of(CodeKey(), text) for text in other}) == 1
    assert key_of(CodeKey(), "") is None
    assert key_of(CodeKey(), "```\n" + "x" * 30_000 + "\n```") is None


@pytest.mark.parametrize(
    "text",
    ["I cannot help with that.", "Sorry", "Yes, sure", "it is possible", "No way", "well-known",
     "Note: this", "5", "I cannot write it.\n\nIt would do harm, and so:\n- ask somebody else",
     "Return the sum (of both) instead", "<think>x = 1</think>No.", "# A heading\nand a line"],
)  # fmt: skip
def test_what_is_no_program_does_not_vote(text: str) -> None:
    assert key_of(CodeKey(), text) is None


@pytest.mark.parametrize(
    "text",
    ["x = 1", "print(5)", "lambda x: x", "[x for x in y]", "a + b", "x: int = 1", "import math",
     "def f(x)\n    return x +\n", "int main() {\n  return 0;\n}", "SELECT *\nFROM t;",
     "const f = (x) => x;", "for x in y:\n  print x", "grep -r foo .", "<p>\nHi\n</p>",
     "fn f() -> u8 {\n    // one\n    1\n}", "square x = x * x", "```\nSorry\n```"],
)  # fmt: skip
def test_a_program_needs_no_fence(text: str) -> None:
    assert key_of(CodeKey(), text) is not None


@pytest.mark.parametrize("part", ["a ", "f(", "a -", "= ", "(\n", "</a", "x[", "for "])
def test_the_time_is_linear_in_the_length(part: str) -> None:
    began = time.process_time()
    key_of(CodeKey(), part * (20_000 // len(part)))
    assert time.process_time() - began < 10
