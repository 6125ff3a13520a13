"""A candidate as plain data, made once for all who report it: `--json`, the server's report, the
records of a dataset run.

Each of them is a projection, a choice of the fields in an order of its own:

    report(record, ("index", "reward", "rejections"))
    {"index": 0, "reward": 1.5, "rejections": [{"filter": "length", ..., "certain": True}]}
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from typing import Any, Literal, get_args

from bestofn.core.ranking import ScoredCandidate
from bestofn.core.types import Rejection

ReportField = Literal[
    "index",
    "text",
    "message",
    "finish_reason",
    "reward",
    "rank",
    "accepted",
    "rejections",
    "failure",
    "components",
    "cut",
    "completion_tokens",
    "seed",
    "answer_key",
    "mean_logprob",
    "generator",
]

FIELDS: tuple[ReportField, ...] = get_args(ReportField)
"""All that is reported of a candidate, in the order of a dataset run's records."""


def report(record: ScoredCandidate, fields: Iterable[ReportField] = FIELDS) -> dict[str, Any]:
    """These fields of a candidate, in this order, as values that JSON has.

    Rejections are mappings of filter, reason, detail and certain, and of span where there is one;
    a failure is one of reason and detail, or None.
    """
    return {field: _READ[field](record) for field in fields}


def _rejection(rejection: Rejection) -> dict[str, Any]:
    said = asdict(rejection)
    span = said.pop("span")
    return said if span is None else {**said, "span": list(span)}


def _failure(record: ScoredCandidate) -> dict[str, str] | None:
    return None if record.failure is None else asdict(record.failure)


_READ: Mapping[ReportField, Callable[[ScoredCandidate], Any]] = {
    "index": lambda record: record.index,
    "text": lambda record: record.text,
    "message": lambda record: dict(record.candidate.message),
    "finish_reason": lambda record: record.candidate.finish_reason,
    "reward": lambda record: record.reward,
    "rank": lambda record: record.rank,
    "accepted": lambda record: record.accepted,
    "rejections": lambda record: [_rejection(each) for each in record.rejections],
    "failure": _failure,
    "components": lambda record: dict(record.components),
    "cut": lambda record: record.cut,
    "completion_tokens": lambda record: record.candidate.completion_tokens,
    "seed": lambda record: record.candidate.seed,
    "answer_key": lambda record: record.answer_key,
    "mean_logprob": lambda record: record.candidate.mean_logprob,
    "generator": lambda record: record.candidate.generator,
}
