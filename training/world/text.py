"""What can be told of an answer's text without knowing the question."""

from __future__ import annotations

import re
from collections import Counter

_CJK = re.compile(r"[\u4e00-\u9fff]")
_LATIN = re.compile(r"[A-Za-z]{2,}")
_NUMBER = re.compile(r"\d+")
_TERMINAL = re.compile(r"[.!?。！？][\"'”’)）」]*$")
_BRACKETS = {"(": ")", "（": "）", "[": "]", "“": "”", "「": "」"}
# A stretch of two or more characters three times in a row, or one character five times.
_LOOP = re.compile(r"(\S.{1,80}?)[\s,，、。.;；]*(?:\1[\s,，、。.;；]*){2,}|([^\s\d])\2{4,}")
_CLAUSE_END = re.compile(r"[.。!！?？;；\n]|[,，](?!\d)")

_CALCULATION = ("plus", "minus", "times", "sum", "product", "=", "加", "减", "乘", "的和", "的积")
_ORDER = ("order", "larg", "small", "大", "小", "排列", "相比")


def speaks_of_calculation(text: str) -> bool:
    """Whether `text` has the words of sums, differences and products."""
    return any(word in text.lower() for word in _CALCULATION)


def speaks_of_order(text: str) -> bool:
    """Whether `text` has the words of comparing and sorting."""
    return any(word in text.lower() for word in _ORDER)


def numbers(text: str) -> list[int]:
    """The numbers that stand in `text` in digits, in their order."""
    return [int(digits) for digits in _NUMBER.findall(text)]


def is_in(language: str, text: str) -> bool:
    """Whether `text` may pass for `language`, "en" or "zh"; bare numbers pass for both."""
    if language == "zh":
        return not _LATIN.search(text)
    return not _CJK.search(text)


def is_complete(text: str) -> bool:
    """Whether `text` ends as a finished sentence does, or is a bare value without any letters."""
    if not text:
        return False
    if any(text.count(left) != text.count(right) for left, right in _BRACKETS.items()):
        return False
    if not any(character.isalpha() for character in text):
        return text[-1].isdigit() or bool(_TERMINAL.search(text))
    return bool(_TERMINAL.search(text))


def is_looping(text: str) -> bool:
    """Whether `text` says the same three times over."""
    if _LOOP.search(text):
        return True
    clauses = Counter(c.strip().lower() for c in _CLAUSE_END.split(text) if len(c.strip()) > 1)
    return any(count >= 3 for count in clauses.values())
