"""Folders of which only some files have the name of a split: none is left out without a word."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bestofn.dataset.prompts.reader import open_records
from tests.dataset.test_inputs import line, of_files, of_the_readme, prompts

LEFT_OUT = "; without the name of a split, so in none of them: "


@pytest.mark.parametrize(
    ("names", "read", "told"),
    [
        (
            ["questions", "test_questions"],
            ["test_questions"],
            f"split test (1 of 2 files{LEFT_OUT}questions.jsonl)",
        ),
        (
            ["gsm8k", "c", "my_eval"],
            ["my_eval"],
            f"split test (1 of 3 files{LEFT_OUT}c.jsonl, gsm8k.jsonl)",
        ),
        (
            ["a", "sub/b", "train"],
            ["train"],
            f"split train (1 of 3 files{LEFT_OUT}a.jsonl, sub/b.jsonl)",
        ),
        (
            [*"abcdefg", "train", "test"],
            ["train"],
            f"split train (1 of 9 files{LEFT_OUT}"
            "a.jsonl, b.jsonl, c.jsonl, d.jsonl, e.jsonl and 2 more)",
        ),
        (["a", "b"], ["a", "b"], "split train (2 of 2 files)"),
    ],
)
def test_files_that_are_in_no_split_are_told(
    tmp_path: Path, names: list[str], read: list[str], told: str
) -> None:
    folder = tmp_path / "set [1]"
    for name in names:
        line(folder / f"{name}.jsonl", name)
    (folder / "notes.txt").write_text("no data", encoding="utf-8")
    assert prompts(folder) == read
    assert open_records(str(folder)).told == told


def test_rows_that_stand_there_as_parquet_too_are_read_once(tmp_path: Path) -> None:
    """As `bestofn export` writes each format."""
    for name in ("train", "more/train-2"):
        line(tmp_path / f"{name}.jsonl", name)
    pq.write_table(pa.Table.from_pylist([{"prompt": "train"}]), tmp_path / "train.parquet")
    assert prompts(tmp_path) == ["more/train-2", "train"]
    assert open_records(str(tmp_path)).told == (
        "split train (2 of 3 files; beside a Parquet file of the same name, so not read again: "
        "train.jsonl)"
    )


def test_where_every_file_is_in_a_split_nothing_is_told(tmp_path: Path) -> None:
    of_files(tmp_path)
    assert open_records(str(tmp_path)).told == "split train (1 of 2 files)"


def test_what_the_readme_leaves_out_is_not_told(tmp_path: Path) -> None:
    of_the_readme(tmp_path)
    line(tmp_path / "draft.jsonl", "draft")
    assert open_records(str(tmp_path)).told == "split train (1 of 2 files)"
