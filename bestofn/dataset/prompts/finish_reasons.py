"""Finish reasons of a row's answers: beside the answers, or in each of them.

{"responses": ["a", "b"], "finish_reason": ["length", "stop"]}          one for each
{"response": "a", "finish_reason": "MAX_TOKENS"}                        one for all
{"responses": [{"role": "assistant", "content": "a", "finish_reason": "length"}]}

One that cannot be read (``{"type": "stop"}``, 0, a list with one for two answers) says nothing: the
answers can be judged without it, so no row is broken for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def reasons_beside(given: Any, count: int) -> list[str | None]:
    """What a column says of why each of so many answers ended; None where it says nothing.

    Args:
        given: the column: a text for all of them, or a list with one for each. Of a list of another
            length nobody knows which is whose.
        count: of the answers.
    """
    if not isinstance(given, list):
        return [_reason(given)] * count
    return [_reason(each) for each in given] if len(given) == count else [None] * count


def reason_within(answer: Any) -> str | None:
    """What an answer says itself of why it ended; None where it says nothing."""
    return _reason(answer.get("finish_reason")) if isinstance(answer, Mapping) else None


def _reason(given: Any) -> str | None:
    return given if isinstance(given, str) and given else None
