"""Choice letters: the option that an answer takes, and none of those that it only discusses."""

from __future__ import annotations

import time

import pytest

from bestofn.answers.choice import ChoiceKey, options
from bestofn.core.types import Request
from tests.support.answers import key_of

QUESTION = "Which is a planet?\nA) Sirius\nB) Mars\nC) Ceres"


@pytest.mark.parametrize(
    "text",
    ["B", "b.", "(B)", "**B**", "B) Mars", "B. Mars is one.", r"\boxed{B}", r"\boxed{\text{B}}",
     "The answer is B.", "The correct answer is (B).", "I choose option B, since C is small.",
     "答案是B。", "Answer: **B**", "A star is no planet.\n\nThe answer is B", "选项 B"],
)  # fmt: skip
def test_a_choice_is_its_letter(text: str) -> None:
    assert key_of(ChoiceKey(), text, QUESTION) == "B"


@pytest.mark.parametrize(
    "text",
    ["故选：B。", "选：B", "应选择：B", "The answer must be B.", "The answer is therefore B",
     "The answer to this question is B.", "It's B.", "Therefore, B.", "Ans: B",
     "答案不是A，而是B。",
     "Answer: Option A is wrong, B is correct.", "The answer is B, A is a star.",
     r"The answer is C? Let me box it: \boxed{\text{(B)}}", r"\boxed{\mathrm{B}}",
     r"\boxed{B) Mars}", r"\boxed{\textbf{(B)}}"],
)  # fmt: skip
def test_a_letter_is_taken_as_exams_and_boxes_have_it(text: str) -> None:
    assert key_of(ChoiceKey(), text, QUESTION) == "B"


@pytest.mark.parametrize(
    "text",
    ["I would not pick A", "I don't choose A", "我不会选A", "答案不可能是A", "答案不是A。",
     "The answer is A, B and C", "The answers are A, B."],
)  # fmt: skip
def test_a_letter_that_is_denied_or_one_of_several_is_not_taken(text: str) -> None:
    assert key_of(ChoiceKey(), text, QUESTION) is None


@pytest.mark.parametrize("text", ["D", "Mars", "A planet is large.", "", "The answer is E"])
def test_what_names_no_option_does_not_vote(text: str) -> None:
    assert key_of(ChoiceKey(), text, QUESTION) is None


@pytest.mark.parametrize(
    ("prompt", "letters"),
    [
        (QUESTION, "ABC"),
        ("Pick: (A) red (B) blue", "AB"),
        ("选择：\nA、红\nB、蓝\nC、绿", "ABC"),
        ("**A.** one\n**B.** two", "AB"),
        ("A. One paragraph only.", ""),
        ("B) two\nC) three", ""),
        ("Vitamin (B) is good", ""),
    ],
)
def test_options_are_lettered_from_a_on(prompt: str, letters: str) -> None:
    assert options(Request.from_prompt(prompt)) == frozenset(letters)


@pytest.mark.parametrize(
    "text",
    ["The answer is B. Option A is wrong because it is a star.", "**Answer: B**\n\nOption A burns.",
     "The correct answer is B. Options A and C are stars.", "正确答案是B。选项A是恒星。",
     "The answer is B, Mars. Choice C is small.", "The answer is B. Answer A is a star.",
     "Option B is correct. Option A is wrong.", "选项B正确，选项A是恒星", "故选B。选项A是恒星。",
     "I choose B. Option A is a star.", "So option B, since option A is a star.",
     "Option A is wrong. Option B fits.", "B) Mars. Option A is a star.", "B is right. A is not."],
)  # fmt: skip
def test_an_option_that_is_only_discussed_is_not_taken(text: str) -> None:
    assert key_of(ChoiceKey(), text, QUESTION) == "B"


@pytest.mark.parametrize(
    "text",
    ["The answer is: B", "The answer is: **B**", "It is not A. The answer is: B) Mars.",
     "The answer is $B$.", r"The answer is \(\text{B}\).", "**Answer**: `B`", '{"answer": "B"}',
     "答案是：B", "The right choice is: option B.", "**Final Answer**\n\nB"],
)  # fmt: skip
def test_a_letter_is_announced_with_a_colon_and_in_markup(text: str) -> None:
    assert key_of(ChoiceKey(), text, QUESTION) == "B"


@pytest.mark.parametrize(
    "text",
    ["Option A is hot; option B is cold.", "The answer is A and C.", "Options A and B are wrong.",
     "Option A or option B", "A) Sirius is a star.\nB) Mars is small.", "Option A isn't one."],
)  # fmt: skip
def test_of_several_options_that_are_discussed_none_is_taken(text: str) -> None:
    assert key_of(ChoiceKey(), text, QUESTION) is None


def test_a_long_prompt_is_read_once_for_all_answers() -> None:
    prompt = "Read (this). " * 20_000 + QUESTION
    began = time.process_time()
    for at in range(100):
        assert key_of(ChoiceKey(), f"The answer is B, {at}.", prompt) == "B"
    assert time.process_time() - began < 10


@pytest.mark.parametrize(
    "part",
    [
        "answer is",
        "answer: ",
        "answer:" + " " * 50,
        "option ",
        "(A) ",
        "so, ",
        "选",
        "\\text",
        "\n",
    ],
)
def test_the_time_is_linear_in_the_length(part: str) -> None:
    began = time.process_time()
    long = part * (100_000 // len(part))
    key_of(ChoiceKey(), long, QUESTION)
    key_of(ChoiceKey(), "answer: " + long, QUESTION)
    assert time.process_time() - began < 20
