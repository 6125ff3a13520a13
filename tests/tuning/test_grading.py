"""Which recorded answers are right, by a reference."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from bestofn.core.ranking import ScoredCandidate
from bestofn.core.types import Candidate, Request
from bestofn.tuning.grading import graded
from bestofn.tuning.recorded import RecordedRow


def row(question: str, reference: Any, answers: Sequence[str]) -> RecordedRow:
    request = Request.from_prompt(question, best_of=len(answers), reference=reference)
    held = [
        ScoredCandidate(Candidate(at, {"role": "assistant", "content": answer}, "stop", 5))
        for at, answer in enumerate(answers)
    ]
    return RecordedRow(request, tuple(held))


@pytest.mark.parametrize(
    ("reference", "right", "wrong"),
    [
        (1e-05, ["It is 0.00001.", ".00001"], ["It is 0.0001.", "It is 5."]),
        (1e20, ["100,000,000,000,000,000,000"], ["It is 20."]),
        (2, ["2", "2.0"], ["−2", "√2"]),
        ("√2", ["√2"], ["2"]),
        ("C#", ["C#", "c#."], ["C", "C++"]),
        (8e9, ["8 billion"], ["8 million"]),
    ],
)
async def test_an_answer_is_right_that_says_what_the_reference_does(
    reference: Any, right: list[str], wrong: list[str]
) -> None:
    rows = [row("How much is it?", reference, [*right, *wrong])]
    found = await graded(rows, None)
    assert found.by == "reference"
    assert list(found.right[0].values()) == [True] * len(right) + [False] * len(wrong)
