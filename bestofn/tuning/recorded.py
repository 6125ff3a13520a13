"""Recorded rows: the candidates of a dataset run, read back as they were ranked."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bestofn.core.ranking import ScoredCandidate
from bestofn.core.types import Candidate, Failure, Rejection, Request
from bestofn.dataset.store.records import messages_of
from bestofn.dataset.store.rollouts import read_rollouts


@dataclass(frozen=True, slots=True)
class RecordedRow:
    """One row of a run.

    Args:
        request: what was asked; its `best_of` is how many candidates there are.
        candidates: in the order of their indices, so as they were drawn. What a rule stopped before
            it finished is not among them; what one kept from being scored has failed.
    """

    request: Request
    candidates: tuple[ScoredCandidate, ...]

    @property
    def counted(self) -> bool:
        """Whether it is known of each candidate how many tokens it has; an upstream that counts
        several answers as one sum tells it of none."""
        return all(each.candidate.counted_tokens is not None for each in self.candidates)


def read_run(folder: Path) -> Iterator[RecordedRow]:
    """The rows of a run that have at least two finished candidates.

    Raises:
        ConfigError: it is no run, or a shard cannot be read.
    """
    for record in read_rollouts(folder):
        if (row := row_of(record)) is not None:
            yield row


def row_of(record: Mapping[str, Any]) -> RecordedRow | None:
    """A record of `bestofn.dataset.store.records` as a row; None: fewer than two candidates."""
    candidates = tuple(
        made
        for each in sorted(record["candidates"], key=lambda each: each["index"])
        if (made := _candidate(each)).candidate.finish_reason not in ("abort", "error", None)
    )
    if len(candidates) < 2:
        return None
    reference = record["reference"]
    return RecordedRow(
        Request(
            tuple(messages_of(record)),
            best_of=len(candidates),
            reference=None if reference is None else json.loads(reference),
            id=str(record["key"]),
        ),
        candidates,
    )


def _candidate(held: Mapping[str, Any]) -> ScoredCandidate:
    message = held["message"]
    return ScoredCandidate(
        Candidate(
            held["index"],
            {"role": "assistant", "content": held["text"]} if message is None else _read(message),
            held["finish_reason"],
            held["completion_tokens"],
            group_tokens=None,  # what nobody counted is not 0; no sum of a group is recorded
            seed=held["seed"],
            mean_logprob=held.get("mean_logprob"),
            generator=held.get("generator"),
        ),
        tuple(_rejection(each) for each in held["rejections"]),
        None if held["failure"] is None else Failure(**held["failure"]),
        held["reward"],
        components=_read(held["components"]) if held["components"] else {},
        cut=held["cut"],
    )


def _read(text: str) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(text)
    return read


def _rejection(held: Mapping[str, Any]) -> Rejection:
    span = held.get("span")
    return Rejection(**{**held, "span": None if span is None else tuple(span)})
