"""The answers that a record of existing data holds, and the record with some of them left out.

What was asked is read as a run reads it (`bestofn.dataset.prompts`); where the answers stand tells
`places.py`, and in what forms they come `forms.py`. Why an answer ended it says itself, or the
column ``finish_reason`` says it: a text for all of them, or a list with one for each.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from bestofn.core.errors import RequestError
from bestofn.core.types import Candidate, Request
from bestofn.dataset.cleaning.forms import candidate_of, with_text
from bestofn.dataset.cleaning.places import Place, at_place, beside, places_of, with_column
from bestofn.dataset.prompts.finish_reasons import reasons_beside
from bestofn.dataset.prompts.layouts import COLUMNS, Fields, find_fields, value_at
from bestofn.dataset.prompts.messages import MessageError, read_tools
from bestofn.dataset.prompts.rows import check_text, conversation_of, fault_of
from bestofn.support.conversation import Conversation


class NoAnswerError(ValueError):
    """A record that holds no answer that can be read; its text is a sentence that says why."""


@dataclass(frozen=True, slots=True)
class Answered:
    """A record with its answers.

    Args:
        source: where it stands, for a reader.
        record: as it was read.
        request: what was asked, an empty text where nothing is; best_of is the number of answers.
        candidates: the answers, in their order.
        places: where each stands.
        beside: the columns that hold one thing for each answer, as their rewards.
        whole: other lists that are as long by chance, or so one has to think; they stay whole.
        asked: whether it holds what was asked.
    """

    source: str
    record: Mapping[str, Any]
    request: Request
    candidates: tuple[Candidate, ...]
    places: tuple[Place, ...]
    beside: tuple[str, ...]
    whole: tuple[str, ...]
    asked: bool

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
            value = at_place(self.record, (column, number))
            if answer.text != self.candidates[answer.index].text:
                value = with_text(value, answer.text)
            if number is None:
                made = with_column(made, column, value)
                continue
            lists.setdefault(column, []).append(value)
            for each in self.beside:
                lists.setdefault(each, []).append(self.record[each][number])
        for column, values in lists.items():
            made = with_column(made, column, values)
        return made


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
    try:
        return _read(number, source, record, columns)
    except ValidationError as error:
        raise NoAnswerError(fault_of(error, columns, record)) from error
    except (MessageError, RequestError) as error:
        raise NoAnswerError(str(error)) from error


def _read(
    number: int, source: str, record: Mapping[str, Any], columns: Mapping[str, str]
) -> Answered:
    mapped = {field: column for field, column in columns.items() if field in COLUMNS}
    found = find_fields(record, mapped)
    check_text(found)
    places = places_of(record, columns, found)
    given = value_at(record, columns.get("finish_reason", "finish_reason"))
    reasons = reasons_beside(given, len(places))
    candidates = tuple(
        candidate_of(at, at_place(record, place), reason)
        for at, (place, reason) in enumerate(zip(places, reasons, strict=True))
    )
    asked = _asked(found, places)
    request = _request(number, found, asked, len(candidates))
    near, whole = beside(record, columns, found, places)
    return Answered(
        source, record, request, candidates, tuple(places), near, whole, asked is not None
    )


def _asked(found: Fields, places: Sequence[Place]) -> Conversation | None:
    """What was asked; None where the record holds answers alone, which can be judged too."""
    asked = {name: found.values[name] for name in _ASKED if name in found.values}
    if places == [(found.column, None)]:
        asked["messages"] = asked["messages"][:-1]  # without the answer that is judged
    if not asked.get("messages") and not asked.get("prompt"):
        return None
    return Conversation.model_validate(asked)


_ASKED = ("prompt", "messages", "system", "reference")
"""Fields of what was asked; how it was sampled is no matter here."""


def _request(number: int, found: Fields, asked: Conversation | None, best_of: int) -> Request:
    offered = _offered(found.values.get("tools"))
    options = {"tools": offered} if offered else {}
    if asked is None:
        return Request.from_prompt("", best_of=best_of, options=options)
    return Request(
        conversation_of(asked),
        best_of=best_of,
        options=options,
        reference=asked.reference,
        id=f"row-{number}",
    )


def _offered(tools: Any) -> list[dict[str, Any]]:
    """The tools of a record; none where they cannot be read, as a column `tools` of names: nobody
    is handed them here, and the answers can be judged without."""
    try:
        return [] if tools is None else read_tools(tools)
    except MessageError:
        return []
