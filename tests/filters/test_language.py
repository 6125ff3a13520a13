"""Tests the language filter with lingua's own models, which come with its wheel."""

from __future__ import annotations

from typing import Any

import pytest

from bestofn.core.errors import ConfigError
from bestofn.core.types import Rejection, Request
from bestofn.filters.language import LanguageFilter
from tests.support.filter_checking import candidate

ENGLISH = (
    "The air in large cities is polluted by cars, factories and heating, and the wind carries "
    "it far into the country."
)
CHINESE = "大城市的空气受到汽车、工厂和供暖的污染，风又把它带到很远的乡下，影响那里的庄稼和人们。"
GERMAN = (
    "Die Luft in großen Städten wird durch Autos, Fabriken und Heizungen verschmutzt, und der "
    "Wind trägt sie weit ins Land hinaus."
)
CODE = "```python\nfor name in names:\n    print(name, file=sys.stderr, flush=True)\n```"


def judge(prompt: str, text: str, **options: Any) -> Rejection | None:
    """What the filter says of `text` as an answer to `prompt`."""
    return LanguageFilter(**options).check(Request.from_prompt(prompt), candidate(text))


@pytest.mark.parametrize(
    ("prompt", "text", "expected"),
    [
        (ENGLISH, ENGLISH, None),
        (CHINESE, CHINESE, None),
        (GERMAN, GERMAN, None),
        (ENGLISH, GERMAN, "the answer's language is 'de', not 'en'"),
        (ENGLISH, CHINESE, "the answer's language is 'zh', not 'en'"),
        (CHINESE, ENGLISH, "the answer's language is 'en', not 'zh'"),
        # short prompts and answers are not judged
        ("Hi", GERMAN, None),
        (ENGLISH, "Gut.", None),
        (ENGLISH, "", None),
        # code is left out
        (CHINESE, CODE, None),
        (CHINESE, f"{CHINESE}\n\n{CODE}", None),
        (CHINESE, "`print(name, file=sys.stderr, flush=True)` https://example.com/some/path", None),
        (
            GERMAN,
            f"{GERMAN}\n\nlogin.php\n\n<?php\nsession_start();\nif(isset($_POST['name'])){{\n"
            + "  $name = get_the_name_of_the_user($_POST['name']);\n" * 4
            + "}",
            None,
        ),
        # mixed text is not judged
        (CHINESE, f"{CHINESE} {ENGLISH}", None),
        (ENGLISH, f"{CHINESE} {ENGLISH}", None),
    ],
)
def test_against_the_prompt(prompt: str, text: str, expected: str | None) -> None:
    found = judge(prompt, text)
    assert (found.detail if found else None) == expected
    assert found is None or (found.filter, found.reason) == ("language", "wrong_language")


def test_against_a_list() -> None:
    assert judge("Hi", GERMAN, allowed=["en", "DE"]) is None
    assert judge("Hi", ENGLISH, allowed="en") is None
    found = judge("Hi", CHINESE, allowed=["en", "de"])
    assert found is not None
    assert found.detail == "the answer's language is 'zh', not 'de' or 'en'"


def test_min_letters() -> None:
    assert judge("Hi", GERMAN, allowed="en", min_letters=500) is None


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"allowed": ["en", "xx"]}, "xx: no language that lingua knows"),
        ({"min_letters": 0}, "min_letters is 0"),
        ({"min_confidence": 0.5}, "min_confidence is 0.5; it must be above 0.5"),
    ],
)
def test_wrong_options_are_config_errors(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        LanguageFilter(**options)
