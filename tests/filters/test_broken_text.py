"""Tests the filters of broken characters, foreign scripts and echoes, and kinds of emptiness."""

from __future__ import annotations

import pytest

from bestofn.core.types import Rejection, Request
from bestofn.filters.control_characters import ControlCharactersFilter
from bestofn.filters.echo import EchoFilter
from bestofn.filters.empty import EmptyFilter
from bestofn.filters.script import ScriptFilter
from tests.support.filter_checking import candidate, reason, rejection

PROMPT = "Which of the three rivers of the valley is the longest, and where does it begin?"
HEBREW = "הנהר הארוך ביותר בעמק מתחיל בהרים הגבוהים וזורם דרך הערים הגדולות אל הים הרחוק במערב. "


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("\u200b\ufeff", "nothing_visible"),
        ("\x00\x00", "nothing_visible"),
        ("<|im_end|>", "only_template_token"),
        ("<pad><pad>", "only_template_token"),
        ("```python\n```", "empty_fence"),
        ("<think>It is 4.</think>\n", "no_answer"),
        ("<think>It is 4.</think>\n4", None),
        ("`x`", None),
    ],
)
def test_answers_of_nothing(text: str, expected: str | None) -> None:
    assert reason(EmptyFilter(), text) == expected


@pytest.mark.parametrize(
    ("text", "expected", "certain"),
    [
        ("It is \ufffd\ufffd\ufffd.", "replacement_character", True),
        ("It is caf\ufffd.", "replacement_character", False),
        ("It is\x00\x01\x02 here.", "control_character", True),
        ("CafÃ© crÃ¨me dÃ©jÃ  vu.", "mojibake", True),
        ("Café crème, déjà vu, 1 – 2 “x”.\tTab\r\n", None, None),
        ("São Paulo, Ã", None, None),
    ],
)
def test_broken_characters(text: str, expected: str | None, certain: bool | None) -> None:
    found = rejection(ControlCharactersFilter(), text)
    assert (found.reason if found else None) == expected
    assert (found.certain if found else None) == certain


def test_broken_characters_of_the_prompt_are_what_is_talked_about() -> None:
    request = Request.from_prompt("What is \ufffd?")
    assert ControlCharactersFilter().check(request, candidate("\ufffd stands for any.")) is None


def script(prompt: str, text: str) -> Rejection | None:
    """What the script filter says of `text` as an answer to `prompt`."""
    return ScriptFilter().check(Request.from_prompt(prompt), candidate(text))


@pytest.mark.parametrize(
    ("prompt", "text", "found"),
    [
        ("ספר על הנהר", HEBREW + "הוא 完整 מאוד.", True),
        ("ספר על הנהר", HEBREW + "הוא Rhine מאוד.", False),
        ("ספר על הנהר", HEBREW + "הוא (完整) מאוד.", False),
        ("ספר על הנהר", HEBREW + "`完整`", False),
        ("ספר על 完整", HEBREW + "הוא 完整 מאוד.", False),
        ("Translate into Chinese", HEBREW + "הוא 完整 מאוד.", False),
        ("東京", "東京は日本の首都であり、人口がもっとも多い都市です。" * 4, False),
        (
            "서울",
            "서울은 대한민국의 수도이며 한강을 끼고 있는 큰 도시입니다. 首都 이다. " * 3,
            False,
        ),
    ],
)
def test_foreign_scripts(prompt: str, text: str, found: bool) -> None:
    assert (script(prompt, text) is not None) == found


@pytest.mark.parametrize(
    ("prompt", "text", "expected"),
    [
        (PROMPT, PROMPT, True),
        (PROMPT, f"{PROMPT}\n", True),
        (PROMPT, f"{PROMPT} It is the middle one.", False),
        (PROMPT, "The longest of them is the middle one.", None),
        (f"Repeat this: {PROMPT}", f"Repeat this: {PROMPT}", None),
        ("Who are you?", "Who are you?", None),
        (f"def f():\n    pass\n# {PROMPT}", f"def f():\n    pass\n# {PROMPT}", None),
    ],
)
def test_echoes(prompt: str, text: str, expected: bool | None) -> None:
    found = EchoFilter().check(Request.from_prompt(prompt), candidate(text))
    assert (found.certain if found else None) == expected
