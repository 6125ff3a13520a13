"""Record of a row: its ranking in a form that JSON and Parquet hold alike, and their schema.

Nothing in it depends on when or beside what the row was sampled, so that a run that was
interrupted leaves the same records as one that was not.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from bestofn.core.ranking import Ranking, ScoredCandidate
from bestofn.dataset.prompts.rows import Row
from bestofn.support.candidate_report import report

if TYPE_CHECKING:
    import pyarrow

Record = dict[str, Any]
"""One row's record, with the columns of `schema`."""

CandidateRecord = Mapping[str, Any]
"""A candidate in a record."""

Status = Literal["ok", "nothing_acceptable", "failed", "unreadable"]
"""ok: something was accepted, or at least only suspected. nothing_acceptable: every candidate was
rejected or failed. failed: the engine or the reward model failed on the row. unreadable: it is no
request."""


def record_of(row: Row, ranking: Ranking) -> Record:
    """The record of a row that was sampled."""
    accepted = ranking.fallback is None and ranking.winner is not None
    return {
        **_row(row, "ok" if accepted else "nothing_acceptable"),
        "fallback": ranking.fallback,
        "rounds": ranking.rounds,
        "prompt_tokens": ranking.usage.prompt_tokens,
        "completion_tokens": ranking.usage.completion_tokens,
        "selector": _rule(ranking),
        "confidence": ranking.confidence,
        "candidates": [
            _candidate(each) for each in sorted(ranking.candidates, key=lambda each: each.index)
        ],
    }


def failed_record(row: Row, error: str, *, unreadable: bool = False) -> Record:
    """The record of a row that has no ranking."""
    return {
        **_row(row, "unreadable" if unreadable else "failed", error),
        "fallback": None,
        "rounds": 0,
        "prompt_tokens": 0,
        "completion_tokens": 0,
        "selector": None,
        "confidence": None,
        "candidates": [],
    }


def ranked_candidates(record: Mapping[str, Any]) -> list[CandidateRecord]:
    """What a dataset is chosen from: the accepted candidates that have a reward, best first.

    Where none was accepted these are the suspected, as if they were not. The two are never mixed:
    whether a suspicion is right says nothing of the reward, so their rewards make no pairs.
    """
    if record["status"] != "ok":
        return []
    held = [c for c in record["candidates"] if c["rank"] is not None and c["reward"] is not None]
    held = [c for c in held if c["accepted"]] or [c for c in held if is_suspected(c)]
    return sorted(held, key=lambda each: each["rank"])


def is_suspected(candidate: CandidateRecord) -> bool:
    """See `bestofn.core.ranking.ScoredCandidate.suspected`."""
    rejections = candidate["rejections"]
    certain = any(rejection["certain"] for rejection in rejections)
    return candidate["failure"] is None and bool(rejections) and not certain


def upgraded(record: Record) -> Record:
    """The record with what bestofn 0.1 did not write (changed in place): its rejections were
    certain, all of them, it ordered by the highest reward, and knew no confidence, no keys and no
    logprobs.
    """
    if "selector" not in record:
        ranked = any(each["rank"] is not None for each in record["candidates"])
        record |= {"selector": "argmax" if ranked else None, "confidence": None}
    for candidate in record["candidates"]:
        candidate.setdefault("answer_key", None)
        candidate.setdefault("mean_logprob", None)
        for rejection in candidate["rejections"]:
            if rejection.get("certain") is None:
                rejection["certain"] = True
    return record


def messages_of(record: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The conversation that the candidates answer."""
    messages: list[dict[str, Any]] = json.loads(record["messages"])
    return messages


def schema() -> pyarrow.Schema:
    """The columns of the rollouts. Messages, references and components are JSON texts."""
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
            ("reference", pa.string()),
            ("fallback", pa.string()),
            ("rounds", pa.int32()),
            ("prompt_tokens", pa.int32()),
            ("completion_tokens", pa.int64()),
            ("selector", pa.string()),
            ("confidence", pa.float64()),
            ("candidates", pa.list_(candidate)),
        ]
    )


def _rule(ranking: Ranking) -> str | None:
    """The selector that ordered the candidates; None where none did."""
    if ranking.chosen_by is not None:
        return ranking.chosen_by.rule
    return "custom" if ranking.ranked else None


def _row(row: Row, status: Status, error: str | None = None) -> Record:
    request = row.request
    reference = None if request is None else request.reference
    messages: Sequence[Any] = () if request is None else request.messages
    return {
        "row": row.number,
        "key": row.key,
        "source": row.source,
        "status": status,
        "error": error,
        "messages": _json(list(messages)),
        "reference": None if reference is None else _json(reference),
    }


def _candidate(each: ScoredCandidate) -> dict[str, Any]:
    reported = report(each)
    plain = {"role": "assistant", "content": each.text}
    message = {k: v for k, v in reported["message"].items() if v is not None and v != []}
    reported["message"] = None if message == plain else _json(message)
    reported["components"] = _json(reported["components"]) if reported["components"] else None
    return reported


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)
