"""Places of the answers in a record that exists, found by its columns' names.

| what stands in it | the answers |
|---|---|
| ``responses``, or ``completions`` (bestofn's own ``ranked``, UltraFeedback) | each of the list |
| ``response``, or ``completion`` (TRL's prompt-completion) | that one |
| ``chosen`` and ``rejected`` (TRL's preferences) | both |
| ``output`` beside ``instruction`` (Alpaca) | that one |
| messages whose last is the assistant's (OpenAI's, ShareGPT's, UltraChat's) | that one |
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bestofn.dataset.cleaning.forms import is_answer
from bestofn.dataset.cleaning.names import is_of_each_answer
from bestofn.dataset.prompts.layouts import COLUMNS, Fields, is_missing, value_at
from bestofn.dataset.prompts.messages import MessageError

Place = tuple[str, int | None]
"""Where an answer stands: its column, and its number where the column holds several."""

_SEVERAL = ("responses", "completions")
_ONE = ("response", "completion")
_PAIR = ("chosen", "rejected")

ANSWERS = (*_SEVERAL, *_ONE, *_PAIR)
"""Fields that hold answers, under the names that they have where no column is mapped."""

FIELDS = (*COLUMNS, *ANSWERS, "finish_reason")
"""What a record may hold; each of these can be mapped."""

_HISTORY = ("conversations", "conversation", "history")
"""Columns that hold what was asked besides those of `COLUMNS`."""


def places_of(
    record: Mapping[str, Any], columns: Mapping[str, str], found: Fields
) -> Sequence[Place]:
    """Where the answers of a record stand, in their order; at least one.

    Args:
        record: its columns.
        columns: where a field of `FIELDS` stands, if not under its own name. Where it names an
            answer's, no other column is taken for one.
        found: what is asked in it.

    Raises:
        MessageError: it holds none.
    """
    mapped = [field for field in ANSWERS if field in columns]
    if any(field in _PAIR for field in mapped):  # they go together
        mapped = [*(field for field in mapped if field not in _PAIR), *_PAIR]
    names = {field: columns.get(field, field) for field in mapped or ANSWERS}
    held = {field: value_at(record, column) for field, column in names.items()}
    there = {field for field, value in held.items() if not is_missing(value)}
    for field in _SEVERAL:
        if isinstance(held.get(field), list) and held[field]:
            return [(names[field], at) for at in range(len(held[field]))]
    for field in _ONE:
        if field in there:
            return [(names[field], None)]
    if there.issuperset(_PAIR):
        return [(names[field], None) for field in _PAIR]
    if not mapped:
        if isinstance(record.get("instruction"), str) and not is_missing(record.get("output")):
            return [("output", None)]
        messages = found.values.get("messages")
        if found.column and isinstance(messages, list) and messages and is_answer(messages[-1]):
            return [(found.column, None)]
    looked = ", ".join(names.values())
    if mapped:
        raise MessageError(f"it holds no answer in {looked}")
    raise MessageError(
        f"it holds no answer: {looked} are looked for, output beside an instruction, or messages "
        "that end in the assistant's; --column response=NAME names another"
    )


def beside(
    record: Mapping[str, Any], columns: Mapping[str, str], found: Fields, places: Sequence[Place]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The columns that hold one thing for each answer, where there are several in one column, and
    those that might by their length alone: lists that are exactly as long, what was asked aside.

    Of the first the names say so (`bestofn.dataset.cleaning.names`), or they are mapped as why the
    answers ended, or hold answers too. Two tags beside two answers are of the prompt: chance makes
    many lists as long.
    """
    answers, first = places[0]
    asked = {columns.get(field, field) for field in COLUMNS} | {found.column, *_HISTORY}
    as_long = [
        column
        for column, value in record.items()
        if first is not None
        and isinstance(value, list)
        and len(value) == len(places)
        and column != answers
        and column not in asked
    ]
    known = {columns.get("finish_reason"), *_SEVERAL}
    of_each = tuple(each for each in as_long if each in known or is_of_each_answer(each))
    return of_each, tuple(each for each in as_long if each not in of_each)


def at_place(record: Mapping[str, Any], place: Place) -> Any:
    """The answer that stands there, as it stands there."""
    column, number = place
    value = value_at(record, column)
    return value if number is None else value[number]


def with_column(record: Mapping[str, Any], column: str, value: Any) -> dict[str, Any]:
    """The record with another value in a column; ``a.b`` is b of the column a."""
    if column in record or "." not in column:
        return {**record, column: value}
    outer, _, inner = column.partition(".")
    return {**record, outer: with_column(record[outer], inner, value)}
