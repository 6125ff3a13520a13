"""Record of a row: its ranking in a form that JSON and Parquet hold alike, and their schema.

Nothing in it depends on when or beside what the row was sampled, so that a run that was
interrupted leaves the same records as one that was not.
"""

from __future__ import annotations

import functools
import json
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, get_args

from bestofn.core.ranking import Ranking, ScoredCandidate
from bestofn.dataset.prompts.rows import Row
from bestofn.support.candidate_report import report
from bestofn.support.error_text import first_line

if TYPE_CHECKING:
    import pyarrow

Record = dict[str, Any]
"""One row's record, with the columns of `schema`."""

NOTHING_ASKED = "[]"
"""The messages of a row that could not be read."""

CandidateRecord = Mapping[str, Any]
"""A candidate in a record."""

Status = Literal["ok", "nothing_acceptable", "failed", "unreadable"]
"""ok: something was accepted, or at least only suspected. nothing_acceptable: every candidate was
rejected or failed. failed: the engine or the reward model failed on the row. unreadable: it is no
request."""


def record_of(row: Row, ranking: Ranking) -> Record:
    """The record of a row that was sampled."""
    accepted = any(each.accepted or each.suspected for each in ranking.candidates)
    accepted = ranking.fallback is None and (accepted or ranking.winner is not None)
    return {
        **_row(row, "ok" if accepted else "nothing_acceptable"),
        "fallback": ranking.fallback,
        "rounds": ranking.rounds,
        "prompt_tokens": ranking.usage.prompt_tokens,
        "completion_tokens": ranking.usage.completion_tokens,
        "selector": _rule(ranking),
        "confidence": ranking.confidence,
        "stopped": _stopped(ranking),
        "candidates": [
            _candidate(each) for each in sorted(ranking.candidates, key=lambda each: each.index)
        ],
    }


def failed_record(row: Row, error: str, *, unreadable: bool = False) -> Record:
    """The record of a row that has no ranking."""
    return {
        **_row(row, "unreadable" if unreadable else "failed", _as_text(error)),
        "fallback": None,
        "rounds": 0,
        "prompt_tokens": 0,
        "completion_tokens": 0,
        "selector": None,
        "confidence": None,
        "stopped": None,
        "candidates": [],
    }


def ranked_candidates(record: Mapping[str, Any]) -> list[CandidateRecord]:
    """What a dataset is chosen from: the accepted candidates that have a reward, best first.

    Where none was accepted these are the suspected, as if they were not. The two are never mixed:
    whether a suspicion is right says nothing of the reward, so their rewards make no pairs. Where
    nothing was scored, which a run without a reward model is, they have no rewards, and come in the
    order of their ranks, if they have any, and as they were sampled.
    """
    if record["status"] in ("failed", "unreadable") or record["fallback"] is not None:
        return []
    held = record["candidates"]
    if any(c["reward"] is not None for c in held):
        held = [c for c in held if c["rank"] is not None and c["reward"] is not None]
    held = [c for c in held if c["accepted"]] or [c for c in held if is_suspected(c)]
    return sorted(held, key=lambda c: (math.inf if c["rank"] is None else c["rank"], c["index"]))


def is_suspected(candidate: CandidateRecord) -> bool:
    """See `bestofn.core.ranking.ScoredCandidate.suspected`."""
    rejections = candidate["rejections"]
    certain = any(rejection["certain"] for rejection in rejections)
    return candidate["failure"] is None and bool(rejections) and not certain


def defect(record: Any) -> str | None:
    """Why a value is no record that can be kept, in one sentence; None: it is one."""
    import pyarrow as pa

    if not _has_shape(record):
        return "it is no record of a row"
    try:
        pa.Table.from_pylist([record], schema=schema())
    except (pa.ArrowException, OverflowError, TypeError, ValueError) as error:
        return first_line(error)
    return None


def upgraded(record: Record) -> Record:
    """The record with what bestofn 0.1 did not write (changed in place): its rejections were
    certain, all of them, it ordered by the highest reward, and knew no tools, no confidence, no
    keys, no logprobs and one generator. What a rule stopped is not known of a record that does not
    say it.
    """
    record.setdefault("tools", None)
    record.setdefault("stopped", None)
    if "selector" not in record:
        ranked = any(each["rank"] is not None for each in record["candidates"])
        record |= {"selector": "argmax" if ranked else None, "confidence": None}
    for candidate in record["candidates"]:
        candidate.setdefault("answer_key", None)
        candidate.setdefault("mean_logprob", None)
        candidate.setdefault("generator", None)
        for rejection in candidate["rejections"]:
            if rejection.get("certain") is None:
                rejection["certain"] = True
    return record


def messages_of(record: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The conversation that the candidates answer."""
    messages: list[dict[str, Any]] = json.loads(record["messages"])
    return messages


@functools.cache
def schema() -> pyarrow.Schema:
    """The columns of the rollouts. Messages, tools, references, components and stopped are
    JSON texts."""
    import pyarrow as pa

    reason = pa.struct([("reason", pa.string()), ("detail", pa.string())])
    rejection = pa.struct(
        [
            ("filter", pa.string()),
            ("reason", pa.string()),
            ("detail", pa.string()),
            ("certain", pa.bool_()),
        ]
    )
    candidate = pa.struct(
        [
            ("index", pa.int32()),
            ("text", pa.string()),
            ("message", pa.string()),
            ("finish_reason", pa.string()),
            ("reward", pa.float64()),
            ("rank", pa.int32()),
            ("accepted", pa.bool_()),
            ("rejections", pa.list_(rejection)),
            ("failure", reason),
            ("components", pa.string()),
            ("cut", pa.int32()),
            ("completion_tokens", pa.int32()),
            ("seed", pa.int64()),
            ("answer_key", pa.string()),
            ("mean_logprob", pa.float64()),
            ("generator", pa.string()),
        ]
    )
    return pa.schema(
        [
            ("row", pa.int64()),
            ("key", pa.string()),
            ("source", pa.string()),
            ("status", pa.string()),
            ("error", pa.string()),
            ("messages", pa.string()),
            ("tools", pa.string()),
            ("reference", pa.string()),
            ("fallback", pa.string()),
            ("rounds", pa.int32()),
            ("prompt_tokens", pa.int32()),
            ("completion_tokens", pa.int64()),
            ("selector", pa.string()),
            ("confidence", pa.float64()),
            ("stopped", pa.string()),
            ("candidates", pa.list_(candidate)),
        ]
    )


def _rule(ranking: Ranking) -> str | None:
    """The selector that ordered the candidates; None where none did."""
    if ranking.chosen_by is not None:
        return ranking.chosen_by.rule
    return "custom" if ranking.ranked else None


def _stopped(ranking: Ranking) -> str | None:
    """Which rule ended the row (None: candidates were aborted, and it went on), how many candidates
    were started, how many each rule aborted, and the tokens that this saved, estimated; None:
    nothing was stopped."""
    if ranking.stopped_by is None and not ranking.stopped:
        return None
    return _json(
        {
            "rule": ranking.stopped_by,
            "sampled": len(ranking.candidates),
            "aborted": dict(ranking.stopped),
            "tokens_saved": ranking.tokens_saved,
        }
    )


def _row(row: Row, status: Status, error: str | None = None) -> Record:
    request = row.request
    reference = None if request is None else request.reference
    messages: Sequence[Any] = () if request is None else request.messages
    tools = None if request is None else request.options.get("tools")
    return {
        "row": row.number,
        "key": row.key,
        "source": row.source,
        "status": status,
        "error": error,
        "messages": _json(list(messages)),
        "tools": None if tools is None else _json(tools),
        "reference": None if reference is None else _json(reference),
    }


def _candidate(each: ScoredCandidate) -> dict[str, Any]:
    reported = report(each)
    plain = {"role": "assistant", "content": each.text}
    message = {k: v for k, v in reported["message"].items() if v is not None and v != []}
    reported["message"] = None if message == plain else _json(message)
    reported["components"] = _json(reported["components"]) if reported["components"] else None
    return reported


def _has_shape(record: Any) -> bool:
    """Whether it has what a record is looked up and read by."""
    return (
        isinstance(record, dict)
        and isinstance(record.get("row"), int)
        and record["row"] >= 0
        and isinstance(record.get("key"), str)
        and isinstance(record.get("messages"), str)
        and record.get("status") in get_args(Status)
        and isinstance(record.get("candidates"), list)
        and all(
            isinstance(candidate, dict)
            and isinstance(candidate.get("rejections"), list)
            and all(isinstance(rejection, dict) for rejection in candidate["rejections"])
            for candidate in record["candidates"]
        )
    )


def _as_text(error: str) -> str:
    """An error that a table can hold: half of a surrogate pair, which a server may send, cannot."""
    return error.encode(errors="replace").decode()


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)
