"""Suspected candidates in a dataset: behind every accepted one, and kept where none is."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bestofn.core.ranking import Ranking, ScoredCandidate
from bestofn.core.types import Candidate, Rejection, Request, Stopped
from bestofn.dataset.export.formats import NAMES, rows_of
from bestofn.dataset.export.keep_rule import KeepRule
from bestofn.dataset.export.options import ExportOptions
from bestofn.dataset.export.summary import Summary
from bestofn.dataset.prompts.rows import Row
from bestofn.dataset.store.records import Record, ranked_candidates, record_of, schema
from bestofn.dataset.store.shards import read_shard, write_shard

DOUBT = Rejection("truncation", "no_sentence_end", "it may be cut", certain=False)
SURE = Rejection("repetition", "exact_loop", "it loops")


def record(*candidates: tuple[float | None, tuple[Rejection, ...]]) -> Record:
    """That of candidates with these rewards and rejections, which are given best first."""
    request = Request.from_prompt("What?", best_of=len(candidates))
    ranked = [
        ScoredCandidate(
            Candidate(i, {"role": "assistant", "content": f"text {i}"}, "stop"),
            rejections,
            reward=reward,
            rank=None if reward is None else i + 1,
        )
        for i, (reward, rejections) in enumerate(candidates)
    ]
    return record_of(Row(0, "a.jsonl:1", "k", request), Ranking(request, tuple(ranked)))


def indices(record: Record) -> list[int]:
    return [each["index"] for each in ranked_candidates(record)]


def texts(name: str, record: Record, rule: KeepRule | None = None) -> str:
    rows: list[dict[str, Any]] = list(rows_of(name, record, ExportOptions(rule or KeepRule())))  # type: ignore[arg-type]
    return json.dumps(rows)


MIXED = record((1.0, ()), (0.0, ()), (9.0, (DOUBT,)), (-9.0, (DOUBT,)), (None, (DOUBT, SURE)))
DOUBTED = record((3.0, (DOUBT,)), (1.0, (DOUBT, DOUBT)), (None, (SURE,)))


@pytest.mark.parametrize("name", [each for each in NAMES if each != "candidates"])
def test_a_suspected_candidate_is_in_no_format_where_another_is_accepted(name: str) -> None:
    for keep in (KeepRule(), KeepRule("top-k", 9), KeepRule("above", 0.5), KeepRule("zscore", 0.0)):
        made = texts(name, MIXED, keep)
        assert "text 0" in made or "text 1" in made
        assert not {each for each in ("text 2", "text 3", "text 4") if each in made}


def test_where_all_are_suspected_they_count_as_if_they_were_not() -> None:
    assert (DOUBTED["status"], indices(DOUBTED)) == ("ok", [0, 1])
    (pair,) = rows_of("dpo", DOUBTED, ExportOptions())
    assert (pair["chosen_reward"], pair["rejected_reward"]) == (3.0, 1.0)
    assert "text 0" in texts("sft", DOUBTED)
    assert indices(MIXED) == [0, 1]


def test_pairs_never_span_accepted_and_suspected() -> None:
    one_of_each = record((1.0, ()), (-5.0, (DOUBT,)))
    assert list(rows_of("dpo", one_of_each, ExportOptions())) == []


def test_suspicions_are_counted_apart_from_rejections() -> None:
    summary = Summary()
    list(summary.counting([MIXED, DOUBTED]))
    assert (summary.accepted, summary.candidates) == (2, 8)
    assert summary.suspected == {"no_sentence_end": 4}
    assert summary.rejected == {"no_sentence_end": 1, "exact_loop": 2}


def test_a_shard_keeps_which_rejections_were_certain(tmp_path: Any) -> None:
    write_shard(tmp_path / "part.parquet", [MIXED])
    assert list(read_shard(tmp_path / "part.parquet")) == [MIXED]
    assert [r["certain"] for r in MIXED["candidates"][4]["rejections"]] == [False, True]
    assert [each.name for each in schema().field("candidates").type.value_type] == [
        *MIXED["candidates"][0]
    ]


def test_what_a_controller_stopped_is_a_failure_by_its_rule() -> None:
    request = Request.from_prompt("What?", best_of=1)
    stopped = ScoredCandidate(
        Candidate(0, {"role": "assistant", "content": "te"}, "abort"),
        failure=Stopped("enough", "another was good enough"),
    )
    held = record_of(Row(0, "a.jsonl:1", "k", request), Ranking(request, (stopped,)))
    failure = held["candidates"][0]["failure"]
    assert failure == {"reason": "enough", "detail": "another was good enough"}
    assert held["status"] == "nothing_acceptable"
