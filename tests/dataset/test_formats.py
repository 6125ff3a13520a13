"""What trainers are given of a record: never a tie, never a text against itself."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet
import pytest

from bestofn.core.errors import ConfigError
from bestofn.dataset.export.export import export
from bestofn.dataset.export.formats import NAMES, rows_of
from bestofn.dataset.export.keep_rule import KeepRule
from bestofn.dataset.export.options import ExportOptions
from bestofn.dataset.store.records import Record
from bestofn.settings.choices import Keep
from bestofn.support.alone import alone

PROMPT = [{"role": "user", "content": "What?"}]
EMPTY = {"filter": "empty", "reason": "empty", "detail": "it is empty", "certain": True}


def record(
    rewards: Sequence[float | None], texts: Sequence[str] | None = None, **changes: Any
) -> Record:
    """One whose candidates have these rewards; None: it was rejected."""
    order = sorted((-r, i) for i, r in enumerate(rewards) if r is not None)
    ranks = {i: rank for rank, (_, i) in enumerate(order, start=1)}
    candidates = [
        {
            "index": i,
            "text": texts[i] if texts else f"text {i}",
            "message": None,
            "finish_reason": "stop",
            "reward": reward,
            "rank": ranks.get(i),
            "accepted": reward is not None,
            "rejections": [] if reward is not None else [EMPTY],
            "failure": None,
            "components": None,
            "cut": 0,
            "completion_tokens": 2,
            "seed": i,
            "generator": None,
        }
        for i, reward in enumerate(rewards)
    ]
    return {
        "row": 0,
        "key": "k",
        "source": "a.jsonl:1",
        "status": "ok",
        "error": None,
        "messages": json.dumps(PROMPT),
        "reference": None,
        "fallback": None,
        "rounds": 1,
        "prompt_tokens": 1,
        "completion_tokens": 2,
        "candidates": candidates,
        **changes,
    }


def kept(rewards: Sequence[float | None], keep: Keep, value: float | None = None) -> list[int]:
    held = record(rewards)
    ranked = sorted(
        (each for each in held["candidates"] if each["rank"]), key=lambda each: each["rank"]
    )
    return [each["index"] for each in KeepRule(keep, value).kept(ranked)]


@pytest.mark.parametrize(
    ("keep", "value", "expected"),
    [
        ("best", None, [2]),
        ("top-k", None, [2, 0]),
        ("top-k", 9, [2, 0, 4, 1]),
        ("above", 0.5, [2, 0]),
        ("above", 50, []),
        ("margin", 3, [2]),
        ("margin", 4, []),
        ("zscore", 1.2, [2]),
        ("zscore", 2, []),
    ],
)
def test_what_is_kept(keep: Keep, value: float | None, expected: list[int]) -> None:
    assert kept([1.0, -2.0, 4.0, None, 0.0], keep, value) == expected  # mean 0.75, std 2.17


def test_a_pair_is_the_winner_of_a_vote_and_the_least_reward() -> None:
    voted = record([1.0, 3.0, -2.0, 2.0])
    for rank, index in enumerate([3, 2, 0, 1], start=1):  # 1 has the highest reward, and is last
        voted["candidates"][index]["rank"] = rank
    (pair,) = rows_of("dpo", voted, ExportOptions())
    assert (pair["chosen_reward"], pair["rejected_reward"]) == (2.0, -2.0)


@pytest.mark.parametrize(
    "message",
    [
        {"role": "assistant"},  # nothing came: the stored form of content null
        {"role": "assistant", "reasoning": "Hm."},
        {"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": "{"}}]},
    ],
)
def test_what_was_rejected_takes_no_prompt_with_it(message: dict[str, Any], tmp_path: Path) -> None:
    held = record([1.0, None, 0.0])
    held["candidates"][1]["message"] = json.dumps(message)
    for each in export(tmp_path, [held], ["sft", "dpo", "kto", "ranked"], ExportOptions()):
        assert (each.rows > 0, each.skipped) == (True, 0)
    thoughts = json.dumps({"role": "assistant", "reasoning": "Hm."})
    also = record([1.0, 3.0, 0.0])  # the best was accepted, and says nothing
    also["candidates"][1]["message"] = thoughts
    (pair,) = rows_of("dpo", also, ExportOptions())
    assert (pair["chosen_reward"], pair["rejected_reward"]) == (1.0, 0.0)
    held["candidates"][0]["message"] = json.dumps({**message, "tool_calls": [{}]})
    for each in export(tmp_path, [held], ["sft", "dpo", "kto", "ranked"], ExportOptions()):
        assert (each.rows, each.skipped) == (0, 1)


@pytest.mark.parametrize(
    ("confidence", "least", "rows"),
    [(0.5, None, 1), (0.5, 0.5, 1), (0.49, 0.5, 0), (None, None, 1), (None, 0.0, 0), (0.0, 0.0, 1)],
)
def test_a_prompt_whose_winner_is_doubtful_is_left_out(
    confidence: float | None, least: float | None, rows: int
) -> None:
    held = record([1.0, 0.0], confidence=confidence)
    options = ExportOptions(KeepRule(min_confidence=least))
    for name in ("sft", "dpo", "ranked"):
        made = list(rows_of(name, held, options))
        assert [each["confidence"] for each in made] == [confidence] * rows
    assert len(list(rows_of("first", held, options))) == 1  # a baseline takes what comes
    assert len(list(rows_of("candidates", held, options))) == 2


@pytest.mark.parametrize("least", [-0.1, 1.1, float("nan")])
def test_a_least_confidence_is_a_share(least: float) -> None:
    with pytest.raises(ConfigError, match="it must be 0 to 1"):
        KeepRule(min_confidence=least)


def test_rules_that_make_no_sense_are_refused() -> None:
    for keep, value, sentence in (
        ("above", None, "needs a threshold"),
        ("best", 1.0, "takes no value"),
        ("top-k", 0.5, "a whole number from 1 on, not 0.5"),
    ):
        with pytest.raises(ConfigError, match=sentence):
            KeepRule(keep, value)  # type: ignore[arg-type]
    assert kept([1.0, 1.0], "zscore", 0.0) == []  # no spread, nothing stands out


def made(name: str, held: Record, choice: ExportOptions | None = None) -> list[dict[str, Any]]:
    return list(rows_of(name, held, choice or ExportOptions()))  # type: ignore[arg-type]


def test_pairs_are_never_ties_nor_a_text_against_itself() -> None:
    (pair,) = made("dpo", record([1.0, -2.0, 4.0, None]))
    assert pair["prompt"] == PROMPT
    assert pair["chosen"] == [{"role": "assistant", "content": "text 2"}]
    assert pair["rejected"] == [{"role": "assistant", "content": "text 1"}]
    assert (pair["chosen_reward"], pair["rejected_reward"]) == (4.0, -2.0)
    assert made("dpo", record([1.0, 1.0])) == []
    assert made("dpo", record([1.0, 0.0], ["same", "same"])) == []
    assert made("dpo", record([1.0])) == []
    assert made("dpo", record([1.0, 0.5]), ExportOptions(min_margin=0.6)) == []
    assert len(made("dpo", record([1.0, 0.5]), ExportOptions(min_margin=0.5))) == 1


def test_kto_has_as_many_bad_as_good_and_worse_ones() -> None:
    rows = made("kto", record([1.0, -2.0, 4.0, 0.0]), ExportOptions(KeepRule("top-k", 2)))
    assert [(row["completion"][0]["content"], row["label"]) for row in rows] == [
        ("text 2", True),
        ("text 0", True),
        ("text 1", False),
        ("text 3", False),
    ]
    assert [row["label"] for row in made("kto", record([1.0, 1.0]))] == [True]


def test_the_baselines_look_at_no_reward() -> None:
    held = record([None, -2.0, 4.0, 0.0])
    (first,) = made("first", held)
    assert first["messages"][-1]["content"] == "text 1"
    drawn = {
        made("random", held, ExportOptions(seed=seed))[0]["messages"][-1]["content"]
        for seed in range(20)
    }
    assert drawn == {"text 1", "text 2", "text 3"}
    assert made("random", held) == made("random", held)


@pytest.mark.parametrize("name", NAMES)
def test_what_was_not_acceptable_trains_nobody(name: str) -> None:
    fallback = record([1.0, 2.0], status="nothing_acceptable", fallback="best_rejected")
    rows = made(name, fallback)
    assert len(rows) == (2 if name == "candidates" else 0)


def test_every_candidate_is_in_the_table_with_its_reasons() -> None:
    rows = made("candidates", record([1.0, None]))
    assert [row["reasons"] for row in rows] == [[], ["empty"]]
    assert [row["completion_tokens"] for row in rows] == [2, 2]


def test_files_are_whole_and_hold_what_is_text(tmp_path: Path) -> None:
    called = record([1.0, 0.0])
    called["candidates"][0]["message"] = json.dumps(
        {"role": "assistant", "content": "", "tool_calls": [{"id": "1"}]}
    )
    told = export(tmp_path, [record([1.0, 0.0]), called], NAMES, ExportOptions())
    by_name = {each.name: each for each in told}
    assert (by_name["sft"].rows, by_name["sft"].skipped) == (1, 1)
    assert (by_name["candidates"].rows, by_name["candidates"].skipped) == (4, 0)
    for name in NAMES:
        table = pyarrow.parquet.read_table(tmp_path / name / "train.parquet").to_pylist()
        lines = (tmp_path / name / "train.jsonl").read_text(encoding="utf-8").splitlines()
        assert table == [json.loads(line) for line in lines]
    assert not list(tmp_path.rglob(".*"))


def test_row_groups_grow_with_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    records = [record([1.0, 0.0], row=n) for n in range(500)]
    monkeypatch.setattr("bestofn.dataset.export.export.BATCH", 10)
    monkeypatch.setattr("bestofn.dataset.export.export.SMALLEST_GROUP", 0)
    monkeypatch.setattr("bestofn.dataset.export.export.GROUPS", 5)
    export(tmp_path, records, ["candidates"], ExportOptions())
    with pyarrow.parquet.ParquetFile(tmp_path / "candidates/train.parquet") as file:
        groups = [file.metadata.row_group(n).num_rows for n in range(file.num_row_groups)]
        rows = file.read(["row", "index"]).to_pylist()
    assert rows == [{"row": n, "index": i} for n in range(500) for i in (0, 1)]
    assert groups[:2] == [10, 10]
    assert max(groups) > 50
    assert len(groups) < 30
    lines = (tmp_path / "candidates/train.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["row"] for line in lines] == [row["row"] for row in rows]


def test_an_export_waits_for_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bestofn.dataset.export.export.PATIENCE", 0.2)
    with (
        alone(tmp_path / "export"),
        pytest.raises(ConfigError, match=r"another process is writing to .*export, for 0\.2 s now"),
    ):
        export(tmp_path, [record([1.0, 0.0])], ["sft"], ExportOptions())
    assert not list(tmp_path.iterdir())
    export(tmp_path, [record([1.0, 0.0])], ["sft"], ExportOptions())
