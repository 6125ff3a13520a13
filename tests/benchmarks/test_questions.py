"""The questions of the benchmarks, and what counts as a right answer to them."""

from __future__ import annotations

import pytest

from benchmarks.questions import LANGUAGES, Question, examples, questions

EVERY = questions(*LANGUAGES)


def _question(prompt: str) -> Question:
    (found,) = (each for each in EVERY if each.prompt.startswith(prompt))
    return found


@pytest.mark.parametrize("languages", [("en", "zh"), ("en", "es")])
def test_there_are_more_than_two_hundred_in_two_languages_and_none_twice(
    languages: tuple[str, str],
) -> None:
    asked = questions(*languages)
    assert len(asked) == len({each.prompt for each in asked}) > 200
    assert min(sum(each.language == of for each in asked) for of in languages) > 60


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_example_is_asked(language: str) -> None:
    said = examples(language)
    assert [each["role"] for each in said] == ["user", "assistant"] * 3
    assert not {each["content"] for each in said} & {each.prompt for each in EVERY}


@pytest.mark.parametrize("each", EVERY, ids=lambda each: each.prompt)
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
        ("¿Cuál es la capital de Francia?", "Es PARIS.", True),
        ("¿Cuál es la capital de Francia?", "Es Parísima.", False),
        ("¿De qué color es la nieve?", "La nieve es blanca, no negra.", True),
        ("法国的首都是哪里？", "法国的首都是巴黎。", True),
        ("法国的首都是哪里？", "是柏林，不是巴黎。", False),
        ("8月的下一个月是几月？", "８月之后是９月。", True),
    ],
)
def test_the_first_answer_of_its_kind_counts(prompt: str, text: str, right: bool) -> None:
    assert _question(prompt).is_right(text) is right
