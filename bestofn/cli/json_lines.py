"""Owns the JSON that the command line reads and writes: rows of responses in, rankings out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from bestofn.core.ranking import Ranking
from bestofn.core.types import Candidate, Message, Request
from bestofn.support.candidate_report import ReportField, report


class _Response(BaseModel):
    model_config = ConfigDict(extra="forbid")
    text: str
    finish_reason: str = "stop"


class _Row(BaseModel):
    model_config = ConfigDict(extra="ignore")
    prompt: str | None = None
    messages: list[dict[str, Any]] | None = Field(default=None, min_length=1)
    responses: list[str | _Response] = Field(min_length=1)
    reference: Any = None

    @model_validator(mode="after")
    def _one_of(self) -> Self:
        if (self.prompt is None) == (self.messages is None):
            raise ValueError("give either prompt or messages")
        return self


_ROW = TypeAdapter(_Row)


@dataclass(frozen=True, slots=True)
class ScoreRow:
    """One line of the input: the request and the responses to rank, or why it cannot be read.

    Args:
        line: line number, from 1.
        request: best_of is the number of responses; None where `error` is set.
        candidates: one per response, in order; a plain string counts as ended by itself ("stop").
        error: one sentence; None for a good row.
    """

    line: int
    request: Request | None = None
    candidates: tuple[Candidate, ...] = ()
    error: str | None = None


def read_rows(lines: Iterable[str]) -> Iterator[ScoreRow]:
    """Each line that is not blank, in order; a broken one is a row with `error`."""
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            row = _ROW.validate_json(line)
        except ValidationError as error:
            yield ScoreRow(number, error=_sentence(error))
            continue
        candidates = tuple(_candidate(at, each) for at, each in enumerate(row.responses))
        messages: tuple[Message, ...] = tuple(row.messages or ())
        if row.prompt is not None:
            messages = ({"role": "user", "content": row.prompt},)
        request = Request(messages, best_of=len(candidates), reference=row.reference)
        yield ScoreRow(number, request, candidates)


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
)


def ranking_json(ranking: Ranking) -> dict[str, Any]:
    """The ranking as `--json` prints it; the keys are part of the interface."""
    winner = ranking.winner
    return {
        "best_of": ranking.request.best_of,
        "winner": None if winner is None else report(winner, _CANDIDATE),
        "candidates": [report(candidate, _CANDIDATE) for candidate in ranking.candidates],
        "rejected": dict(ranking.rejected),
        "failed": dict(ranking.failed),
        "fallback": ranking.fallback,
        "rounds": ranking.rounds,
        "deadline_reached": ranking.deadline_reached,
        "notes": list(ranking.notes),
        "usage": asdict(ranking.usage),
        "timings": {name: round(value, 6) for name, value in asdict(ranking.timings).items()},
    }


def _candidate(index: int, response: str | _Response) -> Candidate:
    given = _Response(text=response) if isinstance(response, str) else response
    return Candidate(index, {"role": "assistant", "content": given.text}, given.finish_reason)


def _sentence(error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    where = ".".join(str(part) for part in first["loc"] if part not in ("str", "_Response"))
    message = first["msg"].removeprefix("Value error, ")
    return f"{where}: {message}" if where else message
