"""JSON lines of the command line: rows of responses in (`score`), rankings out (`--json`)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from pydantic import ValidationError

from bestofn.core.errors import RequestError
from bestofn.core.ranking import Ranking
from bestofn.core.types import Candidate, Request, message_text
from bestofn.dataset.prompts.finish_reasons import reason_within, reasons_beside
from bestofn.dataset.prompts.json_records import InputRecord
from bestofn.dataset.prompts.layouts import find_fields, is_conversation, is_missing
from bestofn.dataset.prompts.messages import MessageError, without_nulls
from bestofn.dataset.prompts.rows import check_text, conversation_of
from bestofn.support.candidate_report import ReportField, report
from bestofn.support.conversation import AnsweredConversation
from bestofn.support.error_text import faults


@dataclass(frozen=True, slots=True)
class ScoreRow:
    """One row of the input: the request and the responses to rank, or why it cannot be read.

    Args:
        number: its place in the input, from 1, broken rows counted and blank lines not.
        where: file and line, or the row of a table.
        id: what it calls itself in a column `id`; None where it has none.
        request: best_of is the number of responses; None where `error` is set.
        candidates: one per response, in order; a plain string counts as ended by itself ("stop").
        error: one sentence; None for a good row.
    """

    number: int
    where: str
    id: Any = None
    request: Request | None = None
    candidates: tuple[Candidate, ...] = ()
    error: str | None = None

    @property
    def place(self) -> dict[str, Any]:
        """Which row of the input it is, as `--json` prints it before what came of it."""
        named = {} if self.id is None else {"id": self.id}
        return {"row": self.number, "source": self.where, **named}


def read_rows(records: Iterable[InputRecord]) -> Iterator[ScoreRow]:
    """The row of each record, in order; a broken one is a row with `error`.

    The prompt is read as `sample` reads it (`bestofn.dataset.prompts`), of any layout. Responses
    stand under `responses`, or as TRL's `completions`: texts, objects with `text` and perhaps
    `finish_reason`, assistant's messages, or lists of one such message. Why one ended it may also
    say in a column `finish_reason` (`bestofn.dataset.prompts.finish_reasons`). What an object holds
    besides is left alone.
    """
    for number, (where, record) in enumerate(records, start=1):
        own = record.get("id") if isinstance(record, Mapping) else None
        row = ScoreRow(number, where, None if is_missing(own) else own)
        try:
            yield _read(row, record)
        except ValidationError as error:
            sentence = str(faults(error, without=("str", "ResponseText"))[0])
            yield replace(row, error=sentence)
        except (MessageError, RequestError) as error:
            yield replace(row, error=str(error))


_CANDIDATE: tuple[ReportField, ...] = (
    "index",
    "text",
    "finish_reason",
    "reward",
    "components",
    "cut",
    "rank",
    "rejections",
    "failure",
    "completion_tokens",
    "answer_key",
    "mean_logprob",
    "generator",
)


def ranking_json(ranking: Ranking) -> dict[str, Any]:
    """The ranking as `--json` prints it; the keys are part of the interface."""
    winner = ranking.winner
    return {
        "best_of": ranking.request.best_of,
        "winner": None if winner is None else report(winner, _CANDIDATE),
        "candidates": [report(candidate, _CANDIDATE) for candidate in ranking.candidates],
        "rejected": dict(ranking.rejected),
        "suspected": dict(ranking.suspected),
        "failed": dict(ranking.failed),
        "stopped": dict(ranking.stopped),
        "stopped_by": ranking.stopped_by,
        "tokens_saved": ranking.tokens_saved,
        "confidence": ranking.confidence,
        "chosen_by": None if ranking.chosen_by is None else asdict(ranking.chosen_by),
        "fallback": ranking.fallback,
        "rounds": ranking.rounds,
        "deadline_reached": ranking.deadline_reached,
        "notes": list(ranking.notes),
        "usage": asdict(ranking.usage),
        "timings": {name: round(value, 6) for name, value in asdict(ranking.timings).items()},
    }


def _read(row: ScoreRow, record: Mapping[str, Any] | str) -> ScoreRow:
    """The row with what its record holds.

    Raises:
        ValidationError, MessageError, RequestError: it cannot be read.
    """
    if isinstance(record, str):
        return replace(row, error=record)
    found = find_fields(record, {})
    check_text(found)
    given = next((record[n] for n in _RESPONSES if record.get(n) is not None), None)
    asked = {n: found.values[n] for n in _CONVERSATION if n in found.values}
    if isinstance(given, list):
        reasons = reasons_beside(record.get("finish_reason"), len(given))
        pairs = zip(given, reasons, strict=True)
        asked["responses"] = [_plain(response, reason) for response, reason in pairs]
    elif given is not None:
        asked["responses"] = given
    answered = AnsweredConversation.model_validate(asked)
    candidates = answered.candidates
    messages = conversation_of(answered)
    request = Request(messages, best_of=len(candidates), reference=answered.reference)
    return replace(row, request=request, candidates=candidates)


_RESPONSES = ("responses", "completions")
_CONVERSATION = ("prompt", "messages", "system", "reference")


def _plain(response: Any, reason: str | None) -> Any:
    """A response as a text, or one with its finish reason; what is neither is left as it is.

    Args:
        response: in any of its forms.
        reason: why it ended, as the row says it; what the response says itself goes before.
    """
    if is_conversation(response) and len(response) == 1:
        response = response[0]
    if isinstance(response, Mapping):
        plain = without_nulls(response)
        reason = reason_within(plain) or reason
        if plain.get("role") == "assistant" and isinstance(plain.get("content"), str):
            response = message_text(plain)
        else:
            response = {"text": plain["text"]} if "text" in plain else {}
    if reason is None:
        return response
    if isinstance(response, str):
        return {"text": response, "finish_reason": reason}
    return {**response, "finish_reason": reason} if isinstance(response, dict) else response
