"""Tests that the repetition filter finds loops and keeps what only looks like one."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bestofn.core.errors import ConfigError
from bestofn.filters.repetition.filter import RepetitionFilter
from tests.support.filter_checking import reason, rejection

FILTER = RepetitionFilter()

OPENING = "We first look at the data, then at the model, and at last at the result."


def test_engine_loop_stop_is_a_rejection_by_itself() -> None:
    found = rejection(FILTER, "A perfectly good answer.", "repetition")
    assert found is not None
    assert (found.filter, found.reason) == ("repetition", "loop_stopped")
    assert "stopped it in a loop" in found.detail


def test_exact_loop_names_length_text_times_and_place() -> None:
    found = rejection(FILTER, OPENING + " the big red fox" * 9)
    assert found is not None
    assert found.reason == "exact_loop"
    assert (
        found.detail == f"the 4 tokens 'the big red fox' 9 times from character {len(OPENING) + 1}"
    )


def test_loop_of_one_token_is_named_in_the_singular() -> None:
    found = rejection(FILTER, "It is " + "very " * 30 + "good.")
    assert found is not None
    assert found.detail == "the 1 token 'very' 30 times from character 6"


def test_loop_inside_the_text_is_found() -> None:
    loop = "Then the pump stops and the light goes on. " * 5
    assert reason(FILTER, f"{OPENING} {loop}After that everything is quiet.") == "exact_loop"


@pytest.mark.parametrize(
    ("copies", "expected"), [(3, None), (4, "exact_loop"), (5, "exact_loop"), (20, "exact_loop")]
)
def test_chinese_phrase_of_five_tokens_is_a_loop_from_four_copies_on(
    copies: int, expected: str | None
) -> None:
    text = "空气中有" + "甲乙丙丁、" * copies + "臭氧和灰尘，对健康不利。"
    assert reason(FILTER, text) == expected


def test_chinese_loop_gives_a_character_offset() -> None:
    found = rejection(FILTER, "我们先看看：" + "今天天气很好。" * 6)
    assert found is not None
    assert found.detail == "the 7 tokens '今天天气很好。' 6 times from character 6"


def test_loop_without_spaces_inside_one_word_is_found() -> None:
    assert reason(FILTER, "He laughed: " + "ha" * 60) == "exact_loop"


def test_loop_of_marks_alone_counts_only_when_it_is_very_long() -> None:
    assert reason(FILTER, "=" * 120 + "\nTitle\n" + "=" * 120) is None
    assert reason(FILTER, "0, " * 40) is None
    found = rejection(FILTER, "!" * 1000)
    assert found is not None
    assert found.detail == "the 1 token '!' 1000 times from character 0"


def test_emoji_count_as_content() -> None:
    assert reason(FILTER, "Well done! " + "🎉" * 5) is None
    assert reason(FILTER, "Well done! " + "🎉" * 200) == "exact_loop"


def test_near_loop_with_a_counter() -> None:
    steps = " ".join(f"In step {i} we check the value again and go on." for i in range(3, 12))
    found = rejection(FILTER, f"{OPENING} {steps}")
    assert found is not None
    assert found.reason == "near_loop"
    assert found.detail.startswith("almost the same 12 tokens '")
    assert "9 times from character" in found.detail


def test_near_loop_with_a_varying_word() -> None:
    colours = ("red", "green", "blue", "white", "black", "brown", "grey")
    text = " ".join(f"The old man in the {c} house is not at home today." for c in colours)
    assert reason(FILTER, text) == "near_loop"


def test_near_loop_in_chinese() -> None:
    text = "".join(f"第{i}步，我们再次检查这个变量的值，然后继续下一步。" for i in range(1, 9))
    assert reason(FILTER, text) == "near_loop"


def test_repeated_paragraph() -> None:
    paragraph = (
        "The committee met on Monday and heard the report of the treasurer about the new budget. "
        "Nobody objected, although several members had questions about travel and printing costs."
    )
    text = f"{paragraph}\n\nLater they met again.\n\n{paragraph}"
    found = rejection(FILTER, text)
    assert found is not None
    assert found.reason == "duplicate_paragraphs"
    assert "paragraphs that stood before" in found.detail
    assert "The committee met on Monday" in found.detail


def test_lines_that_come_again_in_another_order() -> None:
    lines = [
        "The river runs slowly to the sea tonight",
        "A lamp is burning in the farthest window",
        "Nobody has seen the ferryman since spring",
    ]
    order = (0, 1, 2, 1, 0, 2, 2, 0, 1, 0, 2, 1)
    assert reason(FILTER, "\n".join(lines[i] for i in order)) == "duplicate_lines"


def test_sentences_of_one_paragraph_that_come_again_in_another_order() -> None:
    sentences = [" ".join(f"{letter}{i}" for i in range(28)) + ". " for letter in "abc"]
    order = (0, 1, 2, 1, 0, 2, 2, 0, 1, 0, 2, 1) * 2
    found = rejection(FILTER, "".join(sentences[i] for i in order))
    assert found is not None
    assert found.reason == "duplicate_ngrams"
    assert found.detail.endswith("% of the text stands in runs of 20 tokens that stood before")
    assert reason(FILTER, "".join(sentences[i] for i in order[:6])) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "42",
        "17 + 25 = 42.",
        "答案是 42。",
        "ha ha ha",
        "谆谆谆",
        "哈哈哈哈哈哈",
        "No, no, no, no!",
        "na na na na na na na na, hey hey hey, goodbye",
        # templates: most words come again, but what is said differs
        "\n".join(
            f"- The capital of {a} is {b}."
            for a, b in (
                ("France", "Paris"),
                ("Italy", "Rome"),
                ("Spain", "Madrid"),
                ("Japan", "Tokyo"),
                ("Egypt", "Cairo"),
                ("Peru", "Lima"),
                ("Norway", "Oslo"),
            )
        ),
        " ".join(f"Seven times {i} is {7 * i}." for i in range(1, 13)),
        "\n".join(f"7 x {i} = {7 * i}" for i in range(1, 13)),
        # a song with a refrain
        "\n\n".join(
            f"The {a} comes down the hill,\nand all the {b} are still.\n"
            "Sing low, sing low, the day is done,\nsing low beneath the sinking sun."
            for a, b in (("shepherd", "birds"), ("miller", "wheels"), ("piper", "children"))
        ),
        "| name | size | ok |\n|------|------|----|\n"
        + "\n".join(f"| file{i}.txt | {i * 10} | yes |" for i in range(20)),
        "[" + ", ".join(f'{{"id": {i}, "ok": true, "tag": "none"}}' for i in range(40)) + "]",
        "```json\n[" + ", ".join('"pointer"' for _ in range(10)) + "]\n```",
        "\n".join(f"{i};AF;AFG;Afghanistan;Kabul;open;{i * 7}" for i in range(20)),
        "```python\n"
        + "\n".join(
            f"def get_{n}(self):\n    return self._{n}" for n in ("width", "height", "depth")
        )
        + "\n```",
        "Monday: 8:00 - 17:00\nTuesday: 8:00 - 17:00\nWednesday: 8:00 - 17:00\n"
        "Thursday: 8:00 - 17:00\nFriday: 8:00 - 17:00",
    ],
)
def test_what_only_looks_like_a_loop_is_kept(text: str) -> None:
    assert rejection(FILTER, text) is None


def test_json_document_may_repeat_values_and_still_not_loop_for_ever() -> None:
    assert reason(FILTER, "[" + ", ".join(["false"] * 30) + "]") is None
    assert reason(FILTER, "[" + ", ".join(['"the same words"'] * 60) + "]") == "exact_loop"


def test_refrain_three_times_in_a_row_is_kept_and_a_long_sentence_is_not() -> None:
    assert reason(FILTER, "Row the boat home. " * 3) is None
    assert reason(FILTER, "Sing low, my dear, sing low tonight. " * 3) is None
    sentence = "Whoever comes to the gate after nine has to ring twice and wait for the porter. "
    assert reason(FILTER, sentence * 2) is None
    assert reason(FILTER, sentence * 3) == "exact_loop"


def test_options_move_the_thresholds() -> None:
    text = " ".join(f"In step {i} we check the value again." for i in range(6))
    assert reason(RepetitionFilter(), text) == "near_loop"
    assert reason(RepetitionFilter(near_copies=7), text) is None
    assert reason(RepetitionFilter(near_content=100), text) is None
    assert reason(RepetitionFilter(near_similarity=0.95), text) is None
    assert reason(RepetitionFilter(longest_period=4), text) is None


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"longest_period": 0}, "longest_period is 0; it must be at least 1"),
        ({"near_copies": 1}, "near_copies is 1; it must be at least 2"),
        ({"near_content": 0}, "near_content is 0"),
        ({"near_similarity": 0}, "near_similarity is 0; it must be above 0"),
        ({"max_duplicate_lines": 1.5}, "max_duplicate_lines is 1.5"),
        ({"max_duplicate_ngrams": -1}, "max_duplicate_ngrams is -1"),
    ],
)
def test_wrong_options_are_config_errors(options: dict[str, float], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        RepetitionFilter(**options)  # type: ignore[arg-type]


WORDS = st.text(alphabet="abcdefgh", min_size=1, max_size=4)


@pytest.mark.long
@given(
    before=st.lists(WORDS, max_size=30),
    pattern=st.lists(WORDS, min_size=1, max_size=40),
    after=st.lists(WORDS, max_size=30),
    more=st.integers(min_value=0, max_value=10),
)
@settings(max_examples=300, deadline=None)
def test_any_planted_exact_loop_is_found(
    before: list[str], pattern: list[str], after: list[str], more: int
) -> None:
    copies = max(4, -(-20 // len(pattern))) + more
    text = " ".join([*before, *pattern * copies, *after])
    assert reason(FILTER, text) == "exact_loop"


@given(
    pattern=st.text(alphabet="天地玄黄宇宙洪荒，", min_size=2, max_size=30).filter(
        lambda p: p.strip("，") != ""
    )
)
@settings(max_examples=200, deadline=None)
def test_any_planted_chinese_loop_is_found(pattern: str) -> None:
    copies = max(8, -(-24 // len(pattern)))
    assert reason(FILTER, "日月盈昃。" + pattern * copies + "辰宿列张。") == "exact_loop"


@given(st.text(max_size=400))
@settings(max_examples=300, deadline=None)
def test_check_never_raises(text: str) -> None:
    found = rejection(FILTER, text)
    assert found is None or (found.filter == "repetition" and found.detail)


@pytest.mark.long
@pytest.mark.parametrize(
    "text",
    ["a" * 200_000, "1" * 200_000 + "a", " " * 200_000, "x" + " " * 200_000 + "y", "\n" * 200_000],
)
def test_long_uniform_text_completes(text: str) -> None:
    expected = "exact_loop" if text.strip() and " " not in text else None
    if text.strip() and " " in text:
        expected = "whitespace_flood"
    assert reason(FILTER, text) == expected
