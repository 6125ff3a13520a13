"""The collected cases of people's inputs, with the value that each has to have."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bestofn.cli.json_lines import read_rows
from bestofn.core.errors import ConfigError
from bestofn.dataset.prompts.reader import read_records
from bestofn.dataset.prompts.rows import Defaults
from bestofn.dataset.prompts.source import PromptSource

CASES = Path(__file__).parents[3] / "shared" / "cases"

pytestmark = pytest.mark.skipif(not CASES.is_dir(), reason="the cases are not in this repository")

ARITHMETIC = [f"What is {n}+1?" for n in range(30)]
READ: dict[str, list[str | None]] = {
    "array.json": ["first of an array", "second"],
    "bom.jsonl": ["BOM row?", "second"],
    "data.csv": ["What is 1+1?"],
    "data.jsonl.gz": ["gz row"],
    "data.tsv": ["What is 1+1?"],
    "deep.jsonl": ["before", None, "after"],
    "hf": ["train row"],
    "latin1.jsonl": ["good row", None, "third"],
    "many.csv": [*ARITHMETIC],
    "openai_ft.jsonl": ["u2"],
    "pretty.json": ["one object over lines"],
    "sharegpt.jsonl": ["More?"],
    "struct_nulls.parquet": ["Weather?"],
    "struct_parts.parquet": ["part text"],
    "surrogate.jsonl": ["before", None, "after"],
    "tools_msgs.jsonl": ["Weather?"],
    "trl_prompt_msgs.jsonl": ["What colour is the sky?"],
    "types.jsonl": [None] * 7 + ["ok"] * 3 + [None, "ok"] + [None] * 7,
    "ultrafeedback.jsonl": ["Q text"],
    "verl.parquet": ["verl style"],
}


@pytest.mark.parametrize("name", READ)
def test_an_input_is_read_row_by_row(name: str) -> None:
    rows = list(PromptSource(str(CASES / "data" / name)).rows(Defaults(4)))
    asked = [None if row.request is None else row.request.last_user_text for row in rows]
    assert asked == READ[name]
    assert all(row.error or row.told for row in rows)


def nulls(value: Any) -> bool:
    if isinstance(value, dict):
        return any(each is None or nulls(each) for each in value.values())
    return isinstance(value, list | tuple) and any(map(nulls, value))


@pytest.mark.parametrize("name", ["struct_nulls.parquet", "struct_parts.parquet"])
def test_no_null_of_a_table_goes_to_the_engine(name: str) -> None:
    (row,) = PromptSource(str(CASES / "data" / name)).rows(Defaults(4))
    assert row.request is not None
    assert not nulls(row.request.messages)


def test_a_cloned_dataset_gives_the_split_that_is_asked_for() -> None:
    (row,) = PromptSource(str(CASES / "data" / "hf"), split="test").rows(Defaults(4))
    assert row.request is not None
    assert row.request.last_user_text == "test row"


def test_a_packed_file_that_was_cut_is_refused() -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        list(read_records(str(CASES / "data" / "data.jsonl.zst")))


SCORED: dict[str, list[int | None]] = {
    "bom.jsonl": [2, 2],
    "crlf.jsonl": [2, 2],
    "extra.jsonl": [1],
    "finish_null.jsonl": [2],
    "latin1.jsonl": [2, None, 2],
    "messages_obj.jsonl": [1],
    "nan.jsonl": [1, 2],
    "nullresp.jsonl": [None, 2],
    "surrogate.jsonl": [None, 2],
}


@pytest.mark.parametrize("name", SCORED)
def test_responses_are_read_row_by_row(name: str) -> None:
    rows = list(read_rows(read_records(str(CASES / "score" / name))))
    assert [len(row.candidates) or None for row in rows] == SCORED[name]
    assert all((row.request is None) == (row.error is not None) for row in rows)
