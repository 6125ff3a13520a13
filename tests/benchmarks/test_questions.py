"""The questions of the benchmarks, and what counts as a right answer to them."""

from __future__ import annotations

import pytest

from benchmarks.questions import Question, questions


def _question(prompt: str) -> Question:
    (found,) = (each for each in questions() if each.prompt.startswith(prompt))
    return found


def test_there_are_more_than_two_hundred_in_two_languages_and_none_twice() -> None:
    asked = questions()
    assert len(asked) == len({each.prompt for each in asked}) > 200
    assert min(sum(each.language == of for each in asked) for of in ("en", "zh")) > 60


@pytest.mark.parametrize("each", questions(), ids=lambda each: each.prompt)
def test_each_answer_is_right_and_the_question_alone_is_none(each: Question) -> None:
    for answer in each.right:
        assert each.is_right(f"{each.prompt} {answer}")
    assert not each.is_right(each.prompt)
    assert not each.is_right("")


@pytest.mark.parametrize(
    ("prompt", "text", "right"),
    [
        ("What is the capital of Australia?", "CANBERRA is the capital of Australia.", True),
        ("What is the capital of Italy?", "Paris or Rome.", False),
        ("What is the capital of Italy?", "Rome, and not Paris.", True),
        ("What is the capital of Peru?", "The capital of Peru is Limassol.", False),
        ("What is the chemical symbol for copper?", "It is Cu.", True),
        ("What is the chemical symbol for copper?", "It is CU.", False),
        ("What is the chemical symbol for copper?", "It is C.", False),
        ("How many metres are in a kilometre?", "There are 1,000 metres.", True),
        ("How many metres are in a kilometre?", "There are 1,0000 metres.", False),
        ("How many hours are in a day?", "124 hours", False),
        ("法国的首都是哪里？", "法国的首都是巴黎。", True),
        ("法国的首都是哪里？", "是柏林，不是巴黎。", False),
        ("8月的下一个月是几月？", "８月之后是９月。", True),
    ],
)
def test_the_first_answer_of_its_kind_counts(prompt: str, text: str, right: bool) -> None:
    assert _question(prompt).is_right(text) is right
