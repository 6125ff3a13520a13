"""Reading the input: every kind of file, mapped columns, and broken rows that stop nobody."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from datasets import Dataset

from bestofn.core.errors import ConfigError
from bestofn.dataset.prompts.reader import read_records
from bestofn.dataset.prompts.rows import Defaults, read_row

ROWS = [{"question": f"What is {i}?", "answer": i} for i in range(5)]


@pytest.fixture(params=["jsonl", "parquet", "folder", "saved"])
def source(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    kind: str = request.param
    if kind == "jsonl":
        _lines(tmp_path / "a.jsonl", ROWS)
        return str(tmp_path / "a.jsonl")
    if kind == "parquet":
        pq.write_table(pa.Table.from_pylist(ROWS), tmp_path / "a.parquet")
        return str(tmp_path / "a.parquet")
    if kind == "folder":
        _lines(tmp_path / "a.jsonl", ROWS[:2])
        (tmp_path / "more").mkdir()
        pq.write_table(pa.Table.from_pylist(ROWS[2:]), tmp_path / "more" / "b.parquet")
        return str(tmp_path)
    Dataset.from_list(ROWS).save_to_disk(str(tmp_path / "saved"))
    return str(tmp_path / "saved")


def _lines(path: Path, rows: list[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def test_all_kinds_of_input_give_the_same_rows(source: str) -> None:
    columns = {"prompt": "question", "reference": "answer"}
    rows = [
        read_row(n, where, record, columns, Defaults(4, seed=3))
        for n, (where, record) in enumerate(read_records(source))
    ]
    assert [row.request.last_user_text for row in rows if row.request] == [
        row["question"] for row in ROWS
    ]
    assert [row.request.reference for row in rows if row.request] == list(range(5))
    assert len({row.key for row in rows}) == 5
    assert len({row.request.seed for row in rows if row.request}) == 5


def one(record: Any, **defaults: Any) -> Any:
    return read_row(7, "a.jsonl:8", record, {}, Defaults(4, **defaults))


def test_a_row_may_say_otherwise_than_the_run() -> None:
    request = one(
        {"prompt": "Hi", "system": "Be brief.", "best_of": 2, "temperature": 0.5, "max_tokens": 9},
        temperature=1.0,
    ).request
    assert (request.best_of, request.temperature, request.max_tokens) == (2, 0.5, 9)
    assert [message["role"] for message in request.messages] == ["system", "user"]
    table = {"messages": [{"role": "user", "content": "Hi", "name": None}], "prompt": None}
    assert one(table).request.messages == ({"role": "user", "content": "Hi"},)
    assert one({"prompt": "Hi"}, seed=1).request.seed == one({"prompt": "Hi"}, seed=1).request.seed
    assert one({"prompt": "Hi"}).request.seed is None


@pytest.mark.parametrize(
    ("record", "sentence"),
    [
        ("it is no JSON: line 1", "it is no JSON: line 1"),
        ({"text": "Hi"}, "give either prompt or messages: the columns are text (prompt and"),
        ({"prompt": "Hi", "messages": [{"role": "user", "content": "x"}]}, "give either"),
        ({"prompt": ""}, "prompt: must not be empty"),
        ({"prompt": "Hi", "best_of": 0}, "best_of: must be at least 1"),
        ({"prompt": ["Hi"]}, "prompt: must be a text"),
    ],
)
def test_a_broken_row_says_why(record: Any, sentence: str) -> None:
    row = one(record)
    assert row.request is None
    assert row.error.startswith(sentence)


def test_broken_lines_stop_nobody(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"prompt": "1"}\n\n{nope\n[1]\n\xff\xfe\n{"prompt": "2"}')
    read = list(read_records(str(path)))
    assert [where for where, _ in read] == [f"a.jsonl:{n}" for n in (1, 3, 4, 5, 6)]
    assert [isinstance(record, str) for _, record in read] == [False, True, True, True, False]


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ("/no/such.jsonl", "/no/such.jsonl: no such file"),
        ("prompts.jsonl", "prompts.jsonl: no such file"),
        ("{tmp}", "holds neither"),
        ("{tmp}/a.parquet", "cannot be read"),
    ],
)
def test_no_input_is_one_sentence(tmp_path: Path, source: str, sentence: str) -> None:
    if source.endswith("a.parquet"):
        (tmp_path / "a.parquet").write_bytes(b"PAR1 no")
    with pytest.raises(ConfigError, match=sentence):
        list(read_records(source.replace("{tmp}", str(tmp_path))))


def test_a_raw_row_is_a_text_that_is_continued() -> None:
    raw = one({"prompt": "天空是"}, raw=True).request
    assert raw.raw
    assert raw.endpoint == "completions"
    assert raw.last_user_text == "天空是"
    assert not one({"prompt": "天空是"}).request.raw
    tools = [{"type": "function", "function": {"name": "f"}}]
    for record, said in (
        ({"prompt": "x", "tools": tools}, "tools: a text that is continued as it is calls none"),
        ({"prompt": "x", "system": "s"}, "a raw request has one message, whose role is user"),
    ):
        row = one(record, raw=True)
        assert row.request is None
        assert row.error == said
