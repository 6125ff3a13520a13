"""Questions with checkable answers, in English, Spanish and Chinese, for a small chat model.

    questions()[0].prompt          # "What is the capital of France?"
    questions()[0].is_right("It is Paris.")                                   # True

Written for this project: facts of a schoolbook that a model of some hundred million weights knows
some of and gets wrong often enough to choose from. Of the embedded pair's world they hold nothing.
A question is asked by itself, or behind the turns of `examples`, which show a model how short an
answer shall be: one that talks until its limit gives nothing that can be voted on.
"""

from __future__ import annotations

import functools
import random

from benchmarks.questions.chinese import EXAMPLES as CHINESE_EXAMPLES
from benchmarks.questions.chinese import chinese
from benchmarks.questions.english import EXAMPLES as ENGLISH_EXAMPLES
from benchmarks.questions.english import english
from benchmarks.questions.question import Question
from benchmarks.questions.spanish import EXAMPLES as SPANISH_EXAMPLES
from benchmarks.questions.spanish import spanish

_ASKED = {
    "en": (english, ENGLISH_EXAMPLES),
    "es": (spanish, SPANISH_EXAMPLES),
    "zh": (chinese, CHINESE_EXAMPLES),
}
LANGUAGES = (*_ASKED,)


@functools.cache
def questions(*languages: str) -> tuple[Question, ...]:
    """All that are asked in `languages` (default: English and Chinese), in a fixed order that mixes
    kinds and languages.

    Raises:
        KeyError: no questions are in a language.
    """
    found = [each for of in languages or ("en", "zh") for each in _ASKED[of][0]()]
    random.Random("order").shuffle(found)
    return tuple(found)


def examples(language: str) -> list[dict[str, str]]:
    """Questions and answers that may stand before one in a language, as messages, oldest first;
    none of them is one of `questions`."""
    return [
        {"role": role, "content": content}
        for turn in _ASKED[language][1]
        for role, content in zip(("user", "assistant"), turn, strict=True)
    ]


__all__ = ["LANGUAGES", "Question", "examples", "questions"]
