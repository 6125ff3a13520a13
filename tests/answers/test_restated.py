"""Answers that repeat their question: the same however they are put, and never two as one."""

from __future__ import annotations

import pytest

from bestofn.answers.restated import answer_in
from bestofn.answers.text import TextKey
from tests.support.answers import key_of

CAPITAL = "What is the capital of France?"


@pytest.mark.parametrize(
    ("prompt", "texts"),
    [
        (CAPITAL, ("Paris", "The capital of France is Paris.", "Paris is the capital of France.")),
        (CAPITAL, ("paris.", "It is Paris.", "The answer is Paris", "It is Paris (on the Seine).")),
        (CAPITAL, ("Paris!", "The capital of France is Paris, which is old. Paris has a river.")),
        (CAPITAL, ("Paris", "France's capital is Paris.", "Paris is France’s capital.")),
        ("What is a baby dog called?", ("A puppy", "A baby dog is called a puppy.")),
        ("What is the chemical symbol for gold?", ("Au", "The symbol for gold is Au.")),
        ("What is the opposite of hot?", ("cold", "The opposite of 'hot' is \"cold\".")),
        ("Which language is it?", ("C++", "The language is C++.")),
        ("How long does quicksort take?", ("O(n^2)", "It is O(n^2).", "It is O(n^2) (worst).")),
        ("Which way do I turn?", ("right", "It is right.")),
        (
            "法国的首都是哪里？",
            ("巴黎", "法国的首都是巴黎。", "巴黎是法国的首都。", "答案是巴黎。"),
        ),
    ],
)
def test_what_says_the_same_has_one_key(prompt: str, texts: tuple[str, ...]) -> None:
    assert len({key_of(TextKey(), text, prompt) for text in texts}) == 1


@pytest.mark.parametrize(
    ("prompt", "one", "other"),
    [
        (CAPITAL, "The capital of France is Paris.", "The capital of France is Lyon."),
        (CAPITAL, "The capital of France is Paris.", "The capital of Italy is Paris."),
        ("Is the sun or the moon hotter?", "The sun is bigger.", "The moon is bigger."),
        ("Is Rome or Paris in France?", "Paris is in France.", "Rome is in France."),
        ("Which language is it?", "The language is C.", "The language is C++."),
        ("Which option is right?", "It is option (A).", "It is option (B)."),
        ("Which planet is it? (A) Mars (B) Venus", "It is choice (A).", "It is choice (B)."),
        ("How long does quicksort take?", "It is O(n^2).", "It is O(n log n)."),
        ("What is the derivative of sin x?", "It is cos(x).", "It is cos(2x)."),
        ("When does it open?", "It is 8 (am).", "It is 8 (pm)."),
        ("Where is the point?", "It is (2, 3).", "It is (2, 4)."),
        ("Which blood type is rarest?", "It is blood type O.", "It is blood type B."),
        ("What is the element?", "The correct answer is helium.", "The correct answer is neon."),
        (CAPITAL, "The former capital of France is Paris.", "The capital of France is Paris."),
        (CAPITAL, "It is not Lyon, but Paris.", "It is not Lyon, but Nice."),
        ("What is needed?", "Needed are flour, an egg, milk.", "Needed are flour, an egg, oil."),
        ("Which language is it?", "The language is C.", "The language is not C."),
        ("Is it hot or cold?", "It is hot.", "It is cold."),
        ("法国的首都是哪里？", "法国的首都是巴黎。", "法国的首都不是巴黎。"),
    ],
)
def test_what_says_something_else_has_another(prompt: str, one: str, other: str) -> None:
    assert key_of(TextKey(), one, prompt) != key_of(TextKey(), other, prompt)


def test_an_answer_that_does_not_repeat_its_question_stays_whole() -> None:
    assert answer_in("I love that city.", CAPITAL) is None
    assert answer_in("The city of light is Paris.", CAPITAL) is None
    assert answer_in("", CAPITAL) is None
    assert answer_in("It is Paris.", "") == "Paris"
