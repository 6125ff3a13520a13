"""Forms of one answer: read as a candidate, and written back with another text.

"Yes."                                              a text
{"text": "Yes.", "finish_reason": "length"}         a text and its end; UltraFeedback: `response`
{"role": "assistant", "content": "Yes."}            OpenAI's message
{"from": "gpt", "value": "Yes."}                    ShareGPT's turn
[..., {"role": "assistant", "content": "Yes."}]     messages that end in one of these
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bestofn.core.finish_reason import known_as
from bestofn.core.types import Candidate
from bestofn.dataset.prompts.finish_reasons import reason_within
from bestofn.dataset.prompts.layouts import SHAREGPT_ROLES
from bestofn.dataset.prompts.messages import MessageError

_TEXTS = ("text", "response")
"""Under which an object that is no message keeps its text."""


def candidate_of(index: int, value: Any, finish_reason: str | None) -> Candidate:
    """An answer in any of its forms; one that says nothing else ended by itself.

    Args:
        index: its number among the answers of its record.
        value: as it stands there.
        finish_reason: what stands beside it; what it says itself goes before.

    Raises:
        MessageError: it is in none of the forms.
    """
    answer: Any = value[-1] if isinstance(value, list) and value else value
    reason = reason_within(answer) or finish_reason
    key = _key_of_text(answer)
    if isinstance(answer, str):
        message: dict[str, Any] = {"role": "assistant", "content": answer}
    elif key is not None:
        message = {"role": "assistant", "content": answer[key]}
    elif is_answer(answer):
        left_out = ("finish_reason",)
        message = {k: v for k, v in answer.items() if v is not None and k not in left_out}
    else:
        raise MessageError(
            f"answer {index} is neither a text, nor an object with a text, nor an assistant's "
            f"message, but {type(answer).__name__}"
        )
    ended = "tool_calls" if message.get("tool_calls") else "stop"
    return Candidate(index, message, known_as(reason or ended))


def with_text(value: Any, text: str) -> Any:
    """The answer in its form, with another text."""
    if isinstance(value, list):
        return [*value[:-1], with_text(value[-1], text)]
    if isinstance(value, str):
        return text
    return {**value, _key_of_text(value) or "content": text}


def is_answer(message: Any) -> bool:
    """Whether it is the assistant's, in OpenAI's form or ShareGPT's."""
    if not isinstance(message, Mapping):
        return False
    speaker = message.get("from")
    if message.get("role") is None and isinstance(speaker, str):
        return SHAREGPT_ROLES.get(speaker) == "assistant"
    return bool(message.get("role") == "assistant")


def _key_of_text(value: Any) -> str | None:
    """Where an object keeps its text, if it is no message of OpenAI's."""
    if not isinstance(value, Mapping):
        return None
    keys = ("value",) if "from" in value and is_answer(value) else _TEXTS
    return next((key for key in keys if isinstance(value.get(key), str)), None)
