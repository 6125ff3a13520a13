"""Brackets and quotes that are never closed: they cost their own row, and never the file's rest."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from pathlib import Path
from typing import Any

import pytest

from bestofn.core.errors import ConfigError
from bestofn.dataset.prompts import csv_records, json_records
from bestofn.dataset.prompts.reader import read_records
from bestofn.dataset.prompts.rows import Defaults
from bestofn.dataset.prompts.source import PromptSource
from bestofn.dataset.run.local import run
from bestofn.dataset.run.options import RunOptions
from bestofn.dataset.store.rollouts import read_rollouts, run_state
from bestofn.dataset.store.store import Store
from tests.support import dataset_fakes as fakes

ROWS = [
    {"prompt": f"{n}?", "messages": [{"role": "user", "content": f"[{n}] {{"}], "more": {"n": n}}
    for n in range(9)
]
WHOLE = [json.dumps(row) for row in ROWS]


def read(path: Path, content: str) -> list[Any]:
    """The records of a file: its objects, or what is wrong with them."""
    path.write_text(content, encoding="utf-8")
    return [record for _, record in read_records(str(path))]


BROKEN = {
    "its last bracket is missing": WHOLE[4][:-1],
    "its last two brackets are": WHOLE[4][:-2],
    "that of its list is": WHOLE[4].replace("}]", "}"),
    "it closes a list that it did not open": WHOLE[4].replace("}]", "}]]"),
    "it closes an object that it did not open": WHOLE[4] + "}",
    "it is closed as a list is": WHOLE[4][:-1] + "]",
    "a quote is missing": WHOLE[4].replace('?"', "?"),
    "it begins twice": "{" + WHOLE[4],
}


@pytest.mark.parametrize("separator", [",\n", ", "])
@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN)
def test_a_record_of_an_array_that_is_not_closed_costs_itself_alone(
    tmp_path: Path, broken: str, separator: str
) -> None:
    lines = [*WHOLE[:4], broken, *WHOLE[5:]]
    records = read(tmp_path / "a.json", f"[\n{separator.join(lines)}\n]\n")
    good = [record for record in records if isinstance(record, dict) and "prompt" in record]
    assert [row for row in good if row != ROWS[4]] == [*ROWS[:4], *ROWS[5:]]
    assert len(records) > len(good)


def test_so_does_an_object_over_lines(tmp_path: Path) -> None:
    pretty = [json.dumps(row, indent=2) for row in ROWS]
    pretty[4] = pretty[4][:-2]
    records = read(tmp_path / "a.json", "\n".join(pretty))
    assert [record for record in records if isinstance(record, dict)] == [*ROWS[:4], *ROWS[5:]]
    assert len(records) == 9


def test_a_comma_that_is_missing_costs_nothing(tmp_path: Path) -> None:
    assert read(tmp_path / "a.json", f"[{WHOLE[0]}\n{WHOLE[1]}]") == ROWS[:2]


@pytest.mark.parametrize(
    ("name", "content", "records", "sentence"),
    [
        ("a.json", f"[{WHOLE[0]},\n{WHOLE[1]},\n{{\"prom", 2, "a.json:3: the file ends within"),
        ("a.json", f"[{WHOLE[0]},\n", 1, "a.json:1: the file ends before its array does"),
        ("a.json", f"[{WHOLE[0]},\n{WHOLE[1][:-1]}]\n", 1, "a.json:2: the file ends within what"),
        ("a.json", "{\n" + WHOLE[0][1:] + '\n{\n"prompt":', 1, "a.json:3: the file ends within"),
        ("a.csv", 'prompt,more\na,b\nc,"d\ne,f\n', 1, "a.csv:3: the file ends within the row"),
        ("a.csv", '"prompt,more\na,b\n', 0, "a.csv:1: the file ends within the row"),
    ],
)  # fmt: skip
def test_a_file_that_ends_in_the_midst_of_something_is_an_error_that_says_where(
    tmp_path: Path, name: str, content: str, records: int, sentence: str
) -> None:
    (tmp_path / name).write_text(content, encoding="utf-8")
    given: list[Any] = []
    with pytest.raises(ConfigError, match=sentence):
        given.extend(record for _, record in read_records(str(tmp_path / name)))
    read = read_records(str(tmp_path / name))
    assert [next(read)[1] for _ in range(records)] == [
        {"prompt": "a", "more": "b"} if name == "a.csv" else ROWS[at] for at in range(records)
    ]


def test_a_quote_that_a_later_row_closes_costs_those_rows_with_a_word(tmp_path: Path) -> None:
    content = 'prompt,more\na,b\nc,"d\ne,"f"\ng,h\n"over\nlines" ,i\n'
    first, broken, *others = read(tmp_path / "a.csv", content)
    assert (first, others) == (
        {"prompt": "a", "more": "b"},
        [{"prompt": "g", "more": "h"}, {"prompt": "over\nlines ", "more": "i"}],
    )
    assert "it is no CSV: a quote opens in one of the lines 3 to 4" in broken


def test_column_names_may_go_over_lines(tmp_path: Path) -> None:
    content = '"prompt","more\nthan that"\na,b\n'
    assert read(tmp_path / "a.csv", content) == [{"prompt": "a", "more\nthan that": "b"}]


def test_the_rest_of_a_file_is_not_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (json_records, csv_records):
        monkeypatch.setattr(module, "LONGEST_RECORD", 2**20)
    (tmp_path / "a.json").write_text('[{"prompt": [\n' + '"more",\n' * 2**18, encoding="utf-8")
    (tmp_path / "a.csv").write_text('prompt\n"a\n' + "more\n" * 2**18, encoding="utf-8")
    with pytest.raises(ConfigError, match=r"a\.json:1: what begins there is longer than 1 MiB, so"):
        list(read_records(str(tmp_path / "a.json")))
    with pytest.raises(ConfigError, match=r"a\.csv:2: the row that begins there is longer than 1,"):
        list(read_records(str(tmp_path / "a.csv")))


def test_a_run_of_such_a_file_is_not_finished(tmp_path: Path) -> None:
    rows = [f"question {n},x" for n in range(70)]
    rows[66] = 'question 66,"x'
    (tmp_path / "a.csv").write_text("prompt,more\n" + "\n".join(rows), encoding="utf-8")
    given = PromptSource(str(tmp_path / "a.csv")).rows(Defaults(2))
    with (
        contextlib.closing(Store.open(tmp_path / "run", fakes.CONFIG)) as store,
        pytest.raises(ConfigError, match=r"a\.csv:68: the file ends within the row"),
    ):
        asyncio.run(run(given, store, fakes.pipeline(), RunOptions(in_flight=8)))
    assert not run_state(tmp_path / "run").finished
    assert len(list(read_rollouts(tmp_path / "run"))) == 66


def test_the_time_of_a_long_element_is_linear_in_its_length() -> None:
    message = b'{"role": "user", "content": "some text"}'
    line = b'[{"messages": [' + b",".join([message] * 40_000) + b"]}]\n"
    began = time.process_time()
    ((_, record),) = json_records.json_records("a.json", [line], by_line=False)
    assert time.process_time() - began < 3, "it is half a second, and was half a minute"
    assert isinstance(record, dict)
    assert len(record["messages"]) == 40_000


@pytest.mark.parametrize(
    "text",
    [
        b'[{"a": "' + b'\\"' * 500_000,
        b'[{"a": "' + b'\\"' * 500_000 + b'"x',
        b"[" * 500_000 + b"}" * 500_000,
        b"[" + b"{" * 500_000 + b"]" * 500_000,
    ],
)
def test_a_text_of_quotes_or_brackets_is_read_in_time_that_grows_with_it(text: bytes) -> None:
    """Half a million of them took hours: each was looked for among all before it."""
    with contextlib.suppress(ConfigError):
        list(json_records.json_records("a.json", [text], by_line=False))
