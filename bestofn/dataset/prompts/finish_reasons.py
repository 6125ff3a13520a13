"""Finish reasons of a row's answers: beside the answers, or in each of them.

{"responses": ["a", "b"], "finish_reason": ["length", "stop"]}          one for each
{"response": "a", "finish_reason": "MAX_TOKENS"}                        one for all
{"responses": [{"role": "assistant", "content": "a", "finish_reason": "length"}]}
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bestofn.dataset.prompts.layouts import is_missing
from bestofn.dataset.prompts.messages import MessageError


def reasons_beside(given: Any, count: int) -> list[str | None]:
    """What a column says of why each of so many answers ended; None where it says nothing.

    Args:
        given: the column: a text for all of them, or a list with one for each.
        count: of the answers.

    Raises:
        MessageError: it is neither, or the list is not as long as there are answers.
    """
    if not isinstance(given, list):
        return [_reason(given)] * count
    if len(given) != count:
        raise MessageError(f"finish_reason: it has {len(given)} for {count} answers")
    return [_reason(each) for each in given]


def reason_within(answer: Any) -> str | None:
    """What an answer says itself of why it ended; None where it says nothing.

    Raises:
        MessageError: what it says is no text.
    """
    return _reason(answer.get("finish_reason")) if isinstance(answer, Mapping) else None


def _reason(given: Any) -> str | None:
    if is_missing(given) or given == "":
        return None
    if not isinstance(given, str):
        raise MessageError(f"finish_reason: it is no text but {type(given).__name__}")
    return given
