"""The answers that a record of existing data holds, and the record with some of them left out.

| what stands in it | the answers |
|---|---|
| ``responses``, or ``completions`` (bestofn's own ``ranked``) | each of the list |
| ``response``, or ``completion`` (TRL's prompt-completion) | that one |
| ``chosen`` and ``rejected`` (TRL's preferences) | both |
| ``messages`` whose last is the assistant's | that one |

An answer is a text, ``{"text": ..., "finish_reason": ...}``, a message, or messages that end in
one. Why it ended it says itself, or the column ``finish_reason`` says it: a text for all of them,
or a list with one for each.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bestofn.core.finish_reason import known_as
from bestofn.core.types import Candidate, Request
from bestofn.dataset.prompts.finish_reasons import reason_within, reasons_beside
from bestofn.dataset.prompts.layouts import COLUMNS
from bestofn.dataset.prompts.messages import MessageError
from bestofn.dataset.prompts.rows import Defaults, read_row

FIELDS = (
    *(name for name in COLUMNS if name != "tools"),
    *("responses", "completions", "response", "completion", "chosen", "rejected"),
    *("finish_reason", "tools"),
)
"""What a record may hold, under the names that they have where no column is mapped."""

Place = tuple[str, int | None]
"""Where an answer stands: its column, and its number where the column holds several."""


class NoAnswerError(ValueError):
    """A record that holds no answer that can be read; its text is a sentence that says why."""


@dataclass(frozen=True, slots=True)
class Answered:
    """A record with its answers.

    Args:
        source: where it stands, for a reader.
        record: as it was read.
        request: what was asked; best_of is the number of answers.
        candidates: the answers, in their order.
        places: where each stands.
        beside: the columns that hold one thing for each answer, as their rewards: lists that are
            exactly as long, where the answers are kept one by one.
    """

    source: str
    record: Mapping[str, Any]
    request: Request
    candidates: tuple[Candidate, ...]
    places: tuple[Place, ...]
    beside: tuple[str, ...] = ()

    @property
    def separable(self) -> bool:
        """Whether answers are kept one by one; else the record is kept or rejected whole."""
        return self.places[0][1] is not None

    def with_answers(self, answers: Sequence[Candidate]) -> dict[str, Any]:
        """The record with these answers alone, as they are now, and with what stands beside them;
        as it came where nothing changed.

        Args:
            answers: some of the candidates, or what was made of them; told by their index.
        """
        made = dict(self.record)
        lists: dict[str, list[Any]] = {}
        for answer in answers:
            column, number = self.places[answer.index]
            value = self.record[column] if number is None else self.record[column][number]
            if answer.text != self.candidates[answer.index].text:
                value = _with_text(value, answer.text)
            if number is None:
                made[column] = value
            else:
                lists.setdefault(column, []).append(value)
                for each in self.beside:
                    lists.setdefault(each, []).append(self.record[each][number])
        return {**made, **lists}


def read_answers(
    number: int, source: str, record: Mapping[str, Any] | str, columns: Mapping[str, str]
) -> Answered:
    """The answers of a record.

    Args:
        number: its place in the input, from 0.
        source: where it stands, for a reader.
        record: its columns; a text says why it is none.
        columns: where a field of `FIELDS` stands, if not under its own name.

    Raises:
        NoAnswerError: there is none, or one is of no form that is read.
    """
    if isinstance(record, str):
        raise NoAnswerError(record)
    names = {field: columns.get(field, field) for field in FIELDS}
    given = {field: record.get(name) for field, name in names.items()}
    asked, places = _parted(given, names)
    values = [record[column] if at is None else record[column][at] for column, at in places]
    try:
        reasons = reasons_beside(given["finish_reason"], len(values))
        candidates = tuple(
            _candidate(at, value, reason)
            for at, (value, reason) in enumerate(zip(values, reasons, strict=True))
        )
    except MessageError as error:
        raise NoAnswerError(str(error)) from error
    request = _request(number, source, asked, len(candidates), given["tools"])
    beside = _beside(record, places, names)
    return Answered(source, record, request, candidates, tuple(places), beside)


def _beside(
    record: Mapping[str, Any], places: Sequence[Place], names: Mapping[str, str]
) -> tuple[str, ...]:
    """The columns that hold one thing for each answer; what was asked is none of them."""
    answers, first = places[0]
    asked = {names[field] for field in COLUMNS} | {"conversations", "conversation", "history"}
    return tuple(
        column
        for column, value in record.items()
        if first is not None
        and isinstance(value, list)
        and len(value) == len(places)
        and column != answers
        and column not in asked
    )


def _parted(
    given: Mapping[str, Any], names: Mapping[str, str]
) -> tuple[dict[str, Any], Sequence[Place]]:
    """(the fields of the conversation that is asked, where the answers to it stand)."""
    asked = {field: given[field] for field in COLUMNS if given[field] is not None}
    if isinstance(asked.get("prompt"), list) and "messages" not in asked:
        asked["messages"] = asked.pop("prompt")
    for field in ("responses", "completions"):
        if isinstance(given[field], list) and given[field]:
            return asked, [(names[field], at) for at in range(len(given[field]))]
    for field in ("response", "completion"):
        if given[field] is not None:
            return asked, [(names[field], None)]
    if given["chosen"] is not None and given["rejected"] is not None:
        whole = given["chosen"]
        if not asked.keys() & {"prompt", "messages"} and isinstance(whole, list):
            asked["messages"] = whole[:-1]  # TRL's preferences with an implicit prompt
        return asked, [(names[field], None) for field in ("chosen", "rejected")]
    messages = asked.get("messages")
    if isinstance(messages, list) and messages and _role(messages[-1]) == "assistant":
        asked["messages"] = messages[:-1]
        return asked, [(names["messages"], None)]
    looked = ", ".join(names[field] for field in ("responses", "response", "completion", "chosen"))
    raise NoAnswerError(
        f"it holds no answer: {looked} are looked for, or messages that end in the assistant's"
    )


def _role(message: Any) -> Any:
    return message.get("role") if isinstance(message, Mapping) else None


def _request(number: int, source: str, asked: dict[str, Any], best_of: int, tools: Any) -> Request:
    offered = _tools(tools)
    options = {"tools": offered} if offered else {}
    asked = {name: value for name, value in asked.items() if name in _ASKED}
    if not asked.get("messages") and not asked.get("prompt"):
        # Answers alone can be judged too.
        return Request.from_prompt("", best_of=best_of, options=options)
    row = read_row(number, source, asked, {}, Defaults(best_of))
    if row.request is None:
        raise NoAnswerError(row.error or "it cannot be read")
    return dataclasses.replace(row.request, options={**row.request.options, **options})


_ASKED = ("prompt", "messages", "system", "reference")
"""Fields of what was asked; how it was sampled is no matter here."""


def _tools(given: Any) -> list[Any]:
    """The tools that were offered: a list, or a text that holds one as JSON."""
    if isinstance(given, str):
        try:
            given = json.loads(given)
        except ValueError:
            return []
    return list(given) if isinstance(given, list) else []


def _candidate(index: int, value: Any, finish_reason: str | None) -> Candidate:
    """An answer in any of its forms; one that says nothing else ended by itself."""
    if isinstance(value, list) and value:
        value = value[-1]
    reason = reason_within(value) or finish_reason
    if isinstance(value, str):
        message: dict[str, Any] = {"role": "assistant", "content": value}
    elif isinstance(value, Mapping) and isinstance(value.get("text"), str):
        message = {"role": "assistant", "content": value["text"]}
    elif isinstance(value, Mapping) and _role(value) == "assistant":
        message = {
            name: each
            for name, each in value.items()
            if each is not None and name != "finish_reason"
        }
    else:
        raise NoAnswerError(
            f"answer {index} is neither a text, nor an object with a text, nor an assistant's "
            f"message, but {type(value).__name__}"
        )
    ended = "tool_calls" if message.get("tool_calls") else "stop"
    return Candidate(index, message, known_as(reason or ended))


def _with_text(value: Any, text: str) -> Any:
    """The answer in its form, with another text."""
    if isinstance(value, list):
        return [*value[:-1], _with_text(value[-1], text)]
    if isinstance(value, str):
        return text
    return {**value, "text" if isinstance(value.get("text"), str) else "content": text}
