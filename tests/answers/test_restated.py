"""Answers that repeat their question: the same however they are put, and never two as one."""

from __future__ import annotations

import time

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
        (CAPITAL, ("Paris", "The capital city of France is Paris.", "France's capital is Paris.")),
        (CAPITAL, ("Paris", "Paris, a city on the Seine, is the capital of France.")),
        (CAPITAL, ("Paris", "The capital of France is Paris, a city of art, wine, and light.")),
        (CAPITAL, ("Paris", "The capital of France is Paris, also known as the City of Light.")),
        (CAPITAL, ("Paris", "The capital of France is Paris, but the largest port is Marseille.")),
        (CAPITAL, ("Paris", "The capital of France (or the French Republic) is Paris (Ville).")),
        (CAPITAL, ("Paris", "The capital of France is Paris. " + "It lies on the Seine. " * 99)),
        (
            "What is the chemical symbol for sodium?",
            ("Na", "The chemical symbol for sodium (Na) is Na.", "Sodium's chemical symbol is Na."),
        ),
        ("What is a baby dog called?", ("A puppy", "A baby dog is called a puppy.")),
        ("What is the chemical symbol for gold?", ("Au", "The symbol for gold is Au.")),
        ("What is the opposite of hot?", ("cold", "The opposite of 'hot' is \"cold\".")),
        ("Which language is it?", ("C++", "The language is C++.")),
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
        (CAPITAL, "The former capital of France is Paris.", "The capital of France is Paris."),
        (CAPITAL, "Paris.", "It is a good question. " + "Let us think. " * 20),
        ("What is the domain?", "The domain is (0, 1) and up.", "The domain is (2, 3) and up."),
        ("What is the solution?", "The solution is x = (1, 2).", "The solution is x = (3, 4)."),
        ("What is on the flag?", "On the flag is the sun, the moon and the sea.", "The sun."),
        ("What is the value of f(2)?", "The value of f(3) is odd.", "The value of f(2) is odd."),
        ("Which language is it?", "The language is C.", "The language is not C."),
        ("Is it hot or cold?", "It is hot.", "It is cold."),
        ("法国的首都是哪里？", "法国的首都是巴黎。", "法国的首都不是巴黎。"),
    ],
)
def test_what_says_something_else_has_another(prompt: str, one: str, other: str) -> None:
    assert key_of(TextKey(), one, prompt) != key_of(TextKey(), other, prompt)


@pytest.mark.parametrize(
    "begun",
    [
        "The best way to learn it is to practise every day with somebody who knows how to teach. ",
        "It is Paris. ",
        "Let me think about the capital of France. ",
    ],
)
def test_a_long_answer_votes_only_where_it_begins_with_a_short_one(begun: str) -> None:
    prompt = "What is the best way to learn it?" if "best" in begun else CAPITAL
    assert key_of(TextKey(), begun + "More of it follows. " * 20, prompt) is None


@pytest.mark.parametrize(
    ("prompt", "end"),
    [("How much is the cost?", "It is 8."), ("What is the cost?", "So the answer is 8 dollars.")],
)
def test_where_a_result_comes_later_the_first_sentence_does_not_vote(prompt: str, end: str) -> None:
    said = "The cost is the sum of it. " + "We add one price after the other. " * 9 + end
    assert key_of(TextKey(), said, prompt) is None


@pytest.mark.parametrize(
    "piece", [" (", " (a", ", a ", ", which ", "ab", "is ", "'s ", "（", " ()"]
)
def test_the_time_is_linear_in_the_length(piece: str) -> None:
    texts = [piece * (size // len(piece)) for size in (50_000, 200_000)]
    seconds = []
    for text in texts:
        began = time.perf_counter()
        for start in ("", "The capital of France is "):
            key_of(TextKey(), start + text, CAPITAL)
            answer_in((start + text)[:150_000], CAPITAL)
        seconds.append(time.perf_counter() - began)
    assert seconds[1] < 30 * max(seconds[0], 0.01)


def test_an_answer_that_does_not_repeat_its_question_stays_whole() -> None:
    assert answer_in("I love that city.", CAPITAL) is None
    assert answer_in("The city of light is Paris.", CAPITAL) is None
    assert answer_in("", CAPITAL) is None
    assert answer_in("It is Paris.", "") == "Paris"
