"""JSON lines of the command line: rows of responses in (`score`), rankings out (`--json`)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

from pydantic import ValidationError
from pydantic_core import from_json

from bestofn.core.ranking import Ranking
from bestofn.core.types import Candidate, Request
from bestofn.support.candidate_report import ReportField, report
from bestofn.support.conversation import AnsweredConversation
from bestofn.support.error_text import faults


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
        row = _read(line)
        if isinstance(row, str):
            yield ScoreRow(number, error=row)
            continue
        candidates = row.candidates
        request = Request(row.conversation, best_of=len(candidates), reference=row.reference)
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
    "answer_key",
    "mean_logprob",
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


def _read(line: str) -> AnsweredConversation | str:
    """What stands in a line, or why it cannot be read."""
    try:
        given = from_json(line)
    except ValueError as error:
        return f"Invalid JSON: {error}"
    if not isinstance(given, dict):
        return f"it is no JSON object but {type(given).__name__}"
    try:
        return AnsweredConversation.model_validate(given)
    except ValidationError as error:
        return str(faults(error, without=("str", "ResponseText"))[0])
