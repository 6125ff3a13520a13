"""Results that are kept for the next call, and those of long texts, which are not."""

from __future__ import annotations

import pytest

from bestofn.answers import choice
from bestofn.core.types import Candidate, Request
from bestofn.support.kept import LONGEST, kept

ASKED = Request.from_prompt("Which is it?\nA) one\nB) two")


def test_a_result_is_kept_of_a_short_text_and_not_of_a_long_one() -> None:
    asked: list[str] = []

    @kept
    def length(text: str) -> int:
        """How long."""
        asked.append(text)
        return len(text)

    for text in ("short", "l" * LONGEST, "l" * (LONGEST + 1)):
        assert length(text) == length(text) == len(text)
    assert [len(each) for each in asked] == [5, LONGEST, LONGEST + 1, LONGEST + 1]
    assert length.__doc__ == "How long."


def test_no_answer_key_keeps_a_long_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    monkeypatch.setattr(choice, "announced", read.append)
    for length in (10, LONGEST):
        said = Candidate(
            0, {"role": "assistant", "content": "The answer is B. " + "x" * length}, "stop"
        )
        for _ in range(2):
            assert choice.ChoiceKey().key(ASKED, said) == "B"
    assert [len(each) > LONGEST for each in read] == [False, True, True]
