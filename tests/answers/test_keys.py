"""Answer keys but numbers, letters, calls and programs: JSON, short texts, patterns, functions."""

from __future__ import annotations

import logging

import pytest

from bestofn.answers.custom import CustomKey
from bestofn.answers.json import JsonKey
from bestofn.answers.pattern import PatternKey
from bestofn.answers.text import TextKey
from bestofn.core.types import Candidate, Request
from tests.support.answers import key_of


def test_json_is_the_same_however_it_is_laid_out() -> None:
    texts = ['{"a": 1, "b": [2.0, null]}', '```json\n{"b": [2, null],\n "a": 1.0}\n```',
             '<think>{}</think> {"b":[2,null],"a":1}']  # fmt: skip
    assert len({key_of(JsonKey(), text) for text in texts}) == 1
    assert key_of(JsonKey(), '{"a": 1}') != key_of(JsonKey(), '{"a": "1"}')
    assert key_of(JsonKey(), '{"a": true}') != key_of(JsonKey(), '{"a": 1}')
    assert key_of(JsonKey(), "[1, 2]") != key_of(JsonKey(), "[2, 1]")
    left_out = JsonKey(leave_out=("id",))
    assert key_of(left_out, '{"x": {"id": 1, "y": 2}}') == key_of(left_out, '{"x": {"y": 2}}')


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000, "It is {}."])
def test_what_is_no_json_does_not_vote(text: str) -> None:
    assert key_of(JsonKey(), text) is None


@pytest.mark.parametrize(
    ("prompt", "texts"),
    [
        ("5 + 3?", ("8", "5 plus 3 is 8.", "It is 8.", "So the answer is 8!", "8 (5 + 3 = 8)")),
        ("2 * 1?", ("2", "2 times 1 is 2.")),
        ("5和9哪个大？", ("9", "5和9相比，9更大。")),
        ("5加3等于几？", ("5加3等于8。", "答案是8。", "8")),
        ("Capital of France?", ("Paris", "paris.", '"Paris"', "The answer is: Paris", "**Paris**")),
        ("Where?", ("the moon", "The Moon.", "moon")),
        ("How?", ("Ａ １", "a 1")),
        ("How many live there?", ("8 billion", "About 8 billion do.", "80亿", "8,000,000,000")),
        ("I had 7 and lost 3. How many are left?", ("4", "There are 4 left.", "You have 4.")),
        ("When?", ("1,200", "1200", "It is 1,200.", "The answer is 1200.")),
        ("What is the population in millions?", ("8.4", "8.4 million", "It is 8.4 million.")),
        ("How many million?", ("8.4", "**8.4** million", r"$8.4\text{ million}$", "8.4 millions")),
        ("Was it 3? Answer in thousands.", ("12", "12 thousand")),
        ("有多少千万人？", ("3", "3千万")),
        ("What percentage is red?", ("25", "25%", r"$25\%$", "25 percent", "It is 25 per cent.")),
        ("Solve 2x + 1 ≥ 7 for x.", ("x ≥ 3", r"$x \geq 3$", r"x \ge 3")),
        ("What is the area?", ("4π", r"$4\pi$", r"$4 \pi$")),
        ("How much did she gain?", ("-$5", "$-5", "−$5.00", "minus $5")),
        ("How many thousand people came?", ("12", "12 thousand", "12 thousand came.")),
        ("有多少万人？", ("3", "3万", "有3万人。")),
        ("How large is it?", ("30 m²", "30 m².")),
        ("What is 10³?", ("1000", "10³ is 1000.", "10^3 = 1,000", "It is 1000.")),
        ("What is −3 + 5?", ("2", "−3 + 5 is 2.", "-3 + 5 = 2")),
        ("Solve it.", ("x ≥ 3", "x >= 3", "x>=3", "$x ≥ 3$")),
        ("Which set?", ("A ∪ B", "A∪B", "→ A ∪ B", "| A ∪ B |", "A ∪ B 🙂")),
        ("How many?", ("2½", "5/2", "2.5", "≈ 2.5", "It's 2 ½.")),
        ("What is the charge?", ("−2", "-2", "–2")),
    ],
)  # fmt: skip
def test_short_answers_are_their_words_or_the_number_that_they_state(
    prompt: str, texts: tuple[str, ...]
) -> None:
    keys = {text: key_of(TextKey(), text, prompt) for text in texts}
    assert len(set(keys.values())) == 1, keys
    assert None not in keys.values()


@pytest.mark.parametrize(
    ("prompt", "one", "other"),
    [
        ("Which is larger, 5 or 3?", "5 is larger than 3.", "3 is larger than 5."),
        (
            "Sort 3, 1, 2.",
            "From smallest to largest: 1, 2, 3.",
            "From smallest to largest: 3, 2, 1.",
        ),
        ("Capital?", "Paris", "Not Paris"),
        ("The sales (in millions) were 3 and 4. What is the sum?", "7", "7 million"),
        ("有多少万人？", "3万", "3万亿"),
        ("What is x? Solve 2x + 1 > 7.", r"$x \geq 3$", r"$x \leq 3$"),
        ("What is x? Solve 2x + 1 > 7.", r"$(3, \infty)$", r"$(-\infty, 3)$"),
        ("What is x? Solve x^2 = 9.", r"$x = \pm 3$", "$x = 3$"),
        ("What is it?", "1 apple and 2 pears", "2 apples and 1 pear"),
        ("Solve it.", "x = -1", "x = 1"),
        ("Which?", "C++", "C"),
        ("When is it?", "May 5", "June 5"),
        ("What happens to the price?", "It rises by 10%.", "It falls by 10%."),
        ("Who won?", "Alice won by 3 points.", "Bob won by 3 points."),
        ("Which race is it?", "3 km", "3 miles"),
        ("There were 5 + 3 goals. Who won?", "Alice, by 2.", "Bob, by 2."),
        ("Which language?", "C#", "C"),
        ("Simplify sqrt(8)/2.", "√2", "2"),
        ("Simplify sqrt(8)/2.", "√2", "2√2"),
        ("Which x satisfy x^2 = 9?", "±3", "3"),
        ("Solve the inequality.", "x ≥ 3", "x ≤ 3"),
        ("Solve it.", "x > 3", "x = 3"),
        ("What is the domain?", "[0, 1)", "(0, 1]"),
        ("What is the union?", "A ∪ B", "A ∩ B"),
        ("Which set?", "¬p", "p"),
        ("What is the charge of an oxide ion?", "−2", "2"),
        ("How much did it change?", "−3.5%", "+3.5%"),
        ("Which mark?", "A−", "A"),
        ("What is 10 cubed?", "10³", "103"),
        ("What is the derivative?", "x²", "y²"),
        ("What is the area?", "4π", "4"),
    ],
)
def test_short_answers_that_differ_have_two_keys(prompt: str, one: str, other: str) -> None:
    assert key_of(TextKey(), one, prompt) != key_of(TextKey(), other, prompt)


def test_long_and_empty_answers_do_not_vote() -> None:
    assert key_of(TextKey(), "word " * 40) is None
    assert key_of(TextKey(longest=300), "word " * 40) is not None
    assert key_of(TextKey(), " ... ") is None
    assert key_of(TextKey(numbers=False), "5 + 3 is 8.", "5 + 3?") == "5+3 is 8"


def test_a_pattern_is_its_first_group_in_the_last_match() -> None:
    key = PatternKey(r"Verdict: (\w+)")
    assert key_of(key, "Verdict: no\nVerdict: yes ") == "yes"
    assert key_of(key, "no verdict") is None
    assert key_of(PatternKey(r"\d+"), "1 then 23") == "23"
    assert key_of(PatternKey(r"a(b)?"), "a") is None


def shout(request: Request, candidate: Candidate) -> str | None:
    """A key of one's own, that is faulty on some answers."""
    if candidate.text == "raise":
        raise ValueError("no")
    return 1 if candidate.text == "int" else candidate.text.upper() or None  # type: ignore[return-value]


def test_a_function_of_ones_own_is_found_by_its_path(caplog: pytest.LogCaptureFixture) -> None:
    key = CustomKey(f"{__name__}:shout")
    assert key_of(key, "a") == key_of(key, "A") == "A"
    assert key_of(key, "") is None
    with caplog.at_level(logging.WARNING):
        assert key_of(key, "raise") is None
        assert key_of(key, "int") is None
    assert [f"{__name__}:shout" in each for each in caplog.messages] == [True, True]
