"""Layouts of rows: under which columns people keep what is asked, found by the columns' names.

{"prompt": "Hi"}                                            a text
{"messages": [{"role": "user", "content": "Hi"}]}           OpenAI's chat messages
{"prompt": [{"role": "user", "content": "Hi"}], ...}        TRL's, and with `reward_model` verl's
{"conversations": [{"from": "human", "value": "Hi"}]}       ShareGPT
{"instruction": "Add.", "input": "2, 3", "output": ...}     Alpaca; UltraFeedback has no input
{"prompt": "Hi", "messages": [..., {"role": "assistant"}]}  UltraFeedback and UltraChat
{"chosen": [...], "rejected": [...]}                        TRL's preferences without a prompt
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

COLUMNS = (
    "prompt",
    "messages",
    "system",
    "reference",
    "best_of",
    "temperature",
    "max_tokens",
    "tools",
)
"""What a row may hold, under the names that they have where no column is mapped."""

SHAREGPT_ROLES = {
    "system": "system",
    "human": "user",
    "user": "user",
    "gpt": "assistant",
    "chatgpt": "assistant",
    "assistant": "assistant",
    "bing": "assistant",
    "bard": "assistant",
}
"""Who speaks in ShareGPT's conversations, as the datasets made of them say it (FastChat's cleaning
scripts); turns of tools have no settled form there."""


@dataclass(frozen=True, slots=True)
class Fields:
    """What a row holds of `COLUMNS`.

    Args:
        values: by their names; what is null, or no number (as pandas has it), is not there.
        told: which columns were read as what, for a reader; '' where nothing asks anything.
        column: that holds the messages as they are, the answer at their end among them; '' where
            none does.
        fault: why what asks cannot be read, in one sentence; '' where nothing is wrong with it.
    """

    values: Mapping[str, Any]
    told: str
    column: str = ""
    fault: str = ""


def find_fields(record: Mapping[str, Any], columns: Mapping[str, str]) -> Fields:
    """The fields of a record.

    Args:
        record: its columns.
        columns: where a field stands, if not under its own name; ``a.b`` is b of the column a.
            Where it names a prompt or messages, no other column is taken for them.
    """
    mapped = {columns[name] for name in ("prompt", "messages") if name in columns}
    values: dict[str, Any] = {}
    for name in COLUMNS:
        own = name not in columns
        if own and mapped and (name in ("prompt", "messages") or name in mapped):
            continue
        value = value_at(record, columns.get(name, name))
        if not is_missing(value):
            values[name] = value
    column = columns.get("prompt", "prompt")
    asks = f"`{column}`"
    if "prompt" not in values and "messages" not in values:
        if mapped:
            return Fields(values, "")
        return next(
            (found for each in _LAYOUTS if (found := each(record, values))), Fields(values, "")
        )
    if "messages" not in values:
        if not is_conversation(values["prompt"]):
            return Fields(values, f"{asks} as text")
        values["messages"] = values.pop("prompt")
        told = _verl(record, values, asks) or _as_messages(asks, values["messages"])
        return Fields(values, told, column)
    column = columns.get("messages", "messages")
    asks = f"`{column}`"
    if "messages" in columns and isinstance(values["messages"], str) and "prompt" not in values:
        values["prompt"] = values.pop("messages")
        return Fields(values, f"{asks} as text")
    if "prompt" in values and _repeats(values["prompt"], values["messages"]):
        del values["prompt"]
        return Fields(values, f"{asks}, which hold the prompt", column)
    return Fields(values, _as_messages(asks, values["messages"]), column)


def is_conversation(value: Any) -> bool:
    """Whether it is a list of messages, of whatever form."""
    return (
        isinstance(value, Sequence) and bool(value) and all(isinstance(m, Mapping) for m in value)
    )


def is_sharegpt(messages: Any) -> bool:
    """Whether these are turns with `from` and `value`."""
    return is_conversation(messages) and any("from" in m and "value" in m for m in messages)


def without_answer(messages: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
    """The messages up to the answer at their end: TRL's prompt of a conversation.

    What is sampled is an answer, so one that is there is no part of what is asked.
    """
    end = len(messages)
    while end and messages[end - 1].get("role") == "assistant":
        end -= 1
    return messages[:end]


def value_at(record: Mapping[str, Any], column: str) -> Any:
    """What a column holds, ``a.b`` being b of the column a; None where there is none."""
    if column in record or "." not in column:
        return record.get(column)
    outer, _, inner = column.partition(".")
    held = record.get(outer)
    return value_at(held, inner) if isinstance(held, Mapping) else None


def has_column(record: Mapping[str, Any], column: str) -> bool:
    """Whether there is such a column, be it empty; ``a.b`` as `value_at` has it."""
    if column in record or "." not in column:
        return column in record
    outer, _, inner = column.partition(".")
    held = record.get(outer)
    return isinstance(held, Mapping) and has_column(held, inner)


def is_missing(value: Any) -> bool:
    """Whether a column holds nothing: a null, or no number, as pandas has it."""
    return value is None or (isinstance(value, float) and math.isnan(value))


def _as_messages(asks: str, messages: Any) -> str:
    return f"{asks} as {'ShareGPT' if is_sharegpt(messages) else 'messages'}"


def _repeats(prompt: Any, messages: Any) -> bool:
    """Whether the messages are the prompt and what came of it, with an answer at the end."""
    if not is_conversation(messages):
        return False
    asked = without_answer(messages)
    if len(asked) == len(messages) or not asked:
        return False
    if is_conversation(prompt):
        return list(asked) == list(prompt)
    return any(each.get("content") == prompt for each in asked if each.get("role") == "user")


def _verl(record: Mapping[str, Any], values: dict[str, Any], asks: str) -> str | None:
    """Take the right answer from where verl keeps it, and tell it."""
    truth = value_at(record, "reward_model.ground_truth")
    if is_missing(truth) or "reference" in values:
        return None
    values["reference"] = truth
    return f"{asks} as messages and `reward_model.ground_truth` as reference (verl)"


def _conversations(record: Mapping[str, Any], values: dict[str, Any]) -> Fields | None:
    for column in ("conversations", "conversation"):
        if is_conversation(record.get(column)):
            values["messages"] = record[column]
            return Fields(values, _as_messages(f"`{column}`", record[column]), column)
    return None


def _instruction(record: Mapping[str, Any], values: dict[str, Any]) -> Fields | None:
    """Alpaca's, with what LLaMA-Factory adds: `history`, pairs of question and answer before it."""
    instruction, given = record.get("instruction"), record.get("input")
    if not isinstance(instruction, str):
        return None
    if isinstance(given, int | float) and not (isinstance(given, bool) or is_missing(given)):
        given = str(given)  # as a table or a JSON of numbers has it
    if given and not (isinstance(given, str) or is_missing(given)):
        return Fields(values, "", fault=f"input: it is no text but {type(given).__name__}")
    more = isinstance(given, str) and bool(given.strip())
    prompt = f"{instruction}\n\n{given}" if more else instruction
    told = "`instruction` and `input`" if more else "`instruction`"
    pairs = record.get("history")
    if isinstance(pairs, Sequence) and pairs and all(_is_pair(each) for each in pairs):
        values["messages"] = [
            {"role": role, "content": text}
            for pair in pairs
            for role, text in zip(("user", "assistant"), pair, strict=True)
        ]
        values["messages"].append({"role": "user", "content": prompt})
        return Fields(values, f"{told} as Alpaca, after `history`")
    values["prompt"] = prompt
    return Fields(values, f"{told} as Alpaca")


def _is_pair(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str) and len(value) == 2


def _preference(record: Mapping[str, Any], values: dict[str, Any]) -> Fields | None:
    """What two conversations have in common, as TRL's `extract_prompt` has it."""
    chosen, rejected = record.get("chosen"), record.get("rejected")
    if not (is_conversation(chosen) and is_conversation(rejected)):
        return None
    assert chosen is not None
    assert rejected is not None
    same = 0
    while same < min(len(chosen), len(rejected)) and chosen[same] == rejected[same]:
        same += 1
    values["messages"] = list(chosen[:same])
    return Fields(values, "what `chosen` and `rejected` have in common as messages")


_LAYOUTS: Sequence[Callable[[Mapping[str, Any], dict[str, Any]], Fields | None]] = (
    _conversations,
    _instruction,
    _preference,
)
