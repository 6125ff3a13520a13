"""Tests the filter of leaked chat templates, and how reasoning and tokens are told apart."""

from __future__ import annotations

import pytest

from bestofn.core.types import Request
from bestofn.filters.chat_tokens import strip_end
from bestofn.filters.reasoning import split_reasoning
from bestofn.filters.template_token import TemplateTokenFilter
from tests.support.filter_checking import candidate, reason, rejection

FILTER = TemplateTokenFilter()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It is 4.<|im_end|>\n<|im_start|>user\nAnd 3 + 3?", "dialogue_goes_on"),
        ("It is 4.<|eot_id|><|start_header_id|>user<|end_header_id|>\nWhy?", "dialogue_goes_on"),
        ("It is 4. [INST] And 3 + 3? [/INST] It is 6.", "dialogue_goes_on"),
        ("```json\n[1]\n```<|im_end|>\nNote: that is all.", "token_in_text"),
        ("It is 4.<|im_end|>", None),
        ("It is 4.</s></s>", None),
        ("The turn ends with `<|im_end|>` in that template, and goes on.", None),
        ("```\n<|im_start|>user\nHi<|im_end|>\n```\nis how it looks.", None),
        ("The price was <s>20</s> 15 crowns.", None),
        ("x |> f <| y", None),
    ],
)
def test_text(text: str, expected: str | None) -> None:
    assert reason(FILTER, text) == expected


def test_a_token_that_the_prompt_names_is_what_is_talked_about() -> None:
    request = Request.from_prompt("What does <|im_end|> mean?")
    assert FILTER.check(request, candidate("The token <|im_end|> ends a turn.")) is None


def test_the_models_own_tokens_are_known() -> None:
    own = TemplateTokenFilter(tokens=["<|fin|>"])
    found = rejection(own, "It is 4.<|fin|>\nuser: and 3 + 3?")
    assert found is not None
    assert (found.reason, found.certain) == ("dialogue_goes_on", True)
    assert rejection(FILTER, "It is 4.<|fin|>\nAnd so on.") is None


def test_a_token_at_the_end_is_taken_off_and_named() -> None:
    mended = FILTER.mend(candidate("It is 4.<|im_end|>\n"))
    assert mended.text == "It is 4."
    assert mended.extra == {"stripped_tokens": ["<|im_end|>"]}
    whole = candidate("It is 4.")
    assert FILTER.mend(whole) is whole
    assert strip_end("a</s>  <pad><pad>") == ("a", ("</s>", "<pad>", "<pad>"))


@pytest.mark.parametrize(
    ("text", "reasoning", "answer", "left_open"),
    [
        ("<think>2 and 2.</think>4", "2 and 2.", "4", False),
        ("[THINK]2 and 2.[/THINK]4", "2 and 2.", "4", False),
        ("<thought>\n2 and 2.\n</thought>\n4", "\n2 and 2.\n", "\n4", False),
        ("2 and 2.\n</think>\n4", "2 and 2.\n", "\n4", False),
        ("<|channel|>analysis<|message|>2 and 2.", "2 and 2.", "", True),
        ("<think>`</think>` closes it.</think>4", "`</think>` closes it.", "4", False),
        ("The tag <think> opens it.", "", "The tag <think> opens it.", False),
        ("Use `</think>`.", "", "Use `</think>`.", False),
    ],
)
def test_reasoning_is_told_from_the_answer(
    text: str, reasoning: str, answer: str, left_open: bool
) -> None:
    parts = split_reasoning(text)
    assert (parts.reasoning, parts.answer, parts.open) == (reasoning, answer, left_open)
