"""Runs without a reward model: what the filters accept reaches the formats that need no rewards."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bestofn.core.errors import ConfigError
from bestofn.core.types import Request
from bestofn.dataset.export.export import export
from bestofn.dataset.export.formats import NAMES
from bestofn.dataset.export.keep_rule import KeepRule
from bestofn.dataset.export.options import ExportOptions
from bestofn.dataset.report.findings import findings
from bestofn.dataset.run.local import run
from bestofn.dataset.store.records import Record
from bestofn.dataset.store.rollouts import read_rollouts
from bestofn.dataset.store.store import Store
from bestofn.settings.choices import Keep
from bestofn.testing import FakeCompletion
from tests.support import dataset_fakes as fakes


def answer(request: Request, index: int) -> FakeCompletion:
    """Candidate 0 is cut, and all of row 1 are."""
    cut = index == 0 or request.last_user_text == "question 1"
    return FakeCompletion(f"answer {index}", finish_reason="length" if cut else "stop")


@pytest.fixture
async def records(tmp_path: Path) -> list[Record]:
    pipeline = replace(fakes.pipeline(answer), reward_model=None)
    with contextlib.closing(Store.open(tmp_path / "run", fakes.CONFIG)) as store:
        await run(fakes.rows(3), store, pipeline)
    return list(read_rollouts(tmp_path / "run"))


def exported(folder: Path, records: list[Record], options: ExportOptions) -> dict[str, int]:
    return {each.name: each.rows for each in export(folder, records, NAMES, options)}


async def test_accepted_rows_are_ok_and_reach_sft(records: list[Record], tmp_path: Path) -> None:
    assert [record["status"] for record in records] == ["ok", "nothing_acceptable", "ok"]
    rows = exported(tmp_path, records, ExportOptions())
    assert rows == {
        "sft": 2,
        "dpo": 0,
        "kto": 2,
        "ranked": 0,
        "candidates": sum(len(record["candidates"]) for record in records),
        "first": 2,
        "random": 2,
    }
    assert exported(tmp_path, records, ExportOptions(KeepRule("top-k", 2)))["sft"] == 4


async def test_rows_that_0_1_called_unacceptable_reach_it_too(
    records: list[Record], tmp_path: Path
) -> None:
    old = [{**record, "status": "nothing_acceptable"} for record in records]
    assert exported(tmp_path, old, ExportOptions())["sft"] == 2


@pytest.mark.parametrize(("keep", "value"), [("above", 0.5), ("margin", None), ("zscore", None)])
async def test_a_rule_about_rewards_is_refused(
    records: list[Record], tmp_path: Path, keep: Keep, value: Any
) -> None:
    with pytest.raises(ConfigError, match=f"{keep} needs rewards, and nothing was scored"):
        exported(tmp_path, records, ExportOptions(KeepRule(keep, value)))


async def test_a_report_of_it_finds_no_rewards(records: list[Record]) -> None:
    found = findings(records)
    assert found.summary.rows == 3
    assert not found.winners.values


async def test_a_row_with_tools_keeps_them_for_trainers(tmp_path: Path) -> None:
    from bestofn.dataset.prompts.rows import read_row

    tool = {"type": "function", "function": {"name": "f", "parameters": {}}}
    named = {"role": "user", "content": "Hi", "name": "A", "weight": 1}
    rows: list[dict[str, Any]] = [{"prompt": "Hi", "tools": [tool]}, {"messages": [named]}]
    read = (read_row(n, f"a:{n}", row, {}, fakes.DEFAULTS) for n, row in enumerate(rows))
    with contextlib.closing(Store.open(tmp_path / "run", fakes.CONFIG)) as store:
        await run(read, store, fakes.pipeline(lambda *_: FakeCompletion("answer")))
    held = list(read_rollouts(tmp_path / "run"))
    (sft, *_) = export(tmp_path, held, ["sft"], ExportOptions())
    assert (sft.rows, sft.skipped) == (2, 0)
    import pyarrow.parquet as pq

    made = pq.read_table(tmp_path / "sft" / "train.parquet").to_pylist()
    assert [row["tools"] is not None for row in made] == [True, False]
    assert all(set(m) == {"role", "content"} for row in made for m in row["messages"])
