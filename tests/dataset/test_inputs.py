"""Files and folders of the kinds that people have: each row of them once, and broken ones alone."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from datasets import Dataset, DatasetDict, Features, Image, Json, List, Value

from bestofn.core.errors import ConfigError
from bestofn.dataset.prompts import csv_records, reader
from bestofn.dataset.prompts.reader import open_records, read_records

ROWS = [{"prompt": f"What is {n}, or [{n}]?", "reference": str(n)} for n in range(4)]
LINES = "".join(json.dumps(row) + "\n" for row in ROWS)


def zstd(data: bytes) -> bytes:
    packed = pa.BufferOutputStream()
    with pa.CompressedOutputStream(packed, "zstd") as out:
        out.write(data)
    written: bytes = packed.getvalue().to_pybytes()
    return written


def comma(rows: list[dict[str, str]], separator: str = ",") -> str:
    lines = [["prompt", "reference"], *([f'"{row["prompt"]}"', row["reference"]] for row in rows)]
    return "".join(separator.join(line) + "\r\n" for line in lines)


KINDS: dict[str, bytes] = {
    "a.jsonl": LINES.encode(),
    "a.ndjson": ("\n" + LINES).encode(),
    "a.json": json.dumps(ROWS).encode(),
    "pretty.json": json.dumps(ROWS, indent=2).encode(),
    "mark.json": b"\xef\xbb\xbf" + json.dumps(ROWS, indent=1).encode(),
    "lines.json": LINES.encode(),
    "objects.json": "".join(json.dumps(row, indent=2) + "\n" for row in ROWS).encode(),
    "mark.jsonl": b"\xef\xbb\xbf" + LINES.encode(),
    "wide.jsonl": LINES.encode("utf-16"),
    "returns.jsonl": LINES.replace("\n", "\r\n").encode(),
    "a.csv": comma(ROWS).encode(),
    "mark.csv": comma(ROWS).encode("utf-8-sig"),
    "semicolons.csv": comma(ROWS, ";").encode(),
    "wide.csv": comma(ROWS, ";").encode("utf-16"),
    "a.tsv": comma(ROWS, "\t").encode(),
    "a.jsonl.gz": gzip.compress(LINES.encode()),
    "a.jsonl.zst": zstd(LINES.encode()),
    "a.jsonl.xz": lzma.compress(LINES.encode()),
    "a.csv.gz": gzip.compress(comma(ROWS).encode()),
    "a.json.bz2": bz2.compress(json.dumps(ROWS, indent=2).encode()),
    "packed.jsonl": gzip.compress(LINES.encode()),
}


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_of_file_gives_its_rows(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(KINDS[name])
    assert [record for _, record in read_records(str(tmp_path / name))] == ROWS
    assert [record for _, record in read_records(str(tmp_path))] == ROWS


def test_a_table_is_known_by_its_bytes(tmp_path: Path) -> None:
    pq.write_table(pa.Table.from_pylist(ROWS), tmp_path / "table")
    assert [record for _, record in read_records(str(tmp_path / "table"))] == ROWS


BROKEN: dict[str, tuple[bytes, list[str | None]]] = {
    "a.jsonl": (
        b'{"prompt": "1"}\n{"prompt": "caf\xe9"}\n{"prompt": "half \\ud83d pair"}\n[1]\n"text"\n'
        b'{"a": ' + b"[" * 20_000 + b"]" * 20_000 + b'}\n{"prompt": "2"}\n',
        [None, "unicode", "hex escape", "JSON object but list", "but str", "recursion", None],
    ),
    "a.json": (
        b'[{"prompt": "1"},\n{"prompt":\n"caf\xe9"}, {"prompt": "\\ud83d!"}, 5, "text",\n'
        b'{"a": ' + b"[" * 20_000 + b"]" * 20_000 + b'}, {"prompt": oops}, {"prompt": "2"},]',
        [None, "unicode", "hex escape", "but int", "but str", "recursion", "expected", None],
    ),
    "a.csv": (
        b'prompt,reference\n"a, ""b""\nc",1\ncaf\xe9,2\none,two,three\nlast\n',
        [None, "no UTF-8", "3 cells, and the first line names 2 columns", None],
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_record_costs_itself_alone(tmp_path: Path, name: str) -> None:
    content, expected = BROKEN[name]
    (tmp_path / name).write_bytes(content)
    read = [record for _, record in read_records(str(tmp_path / name))]
    assert len(read) == len(expected)
    for record, reason in zip(read, expected, strict=True):
        assert isinstance(record, dict) == (reason is None), record
        assert reason is None or reason in record


def test_a_text_of_a_table_that_is_no_utf_8_costs_its_row_alone(tmp_path: Path) -> None:
    texts = pa.array([b"one", b"caf\xe9", b"three"]).view(pa.string())
    pq.write_table(pa.table({"prompt": texts}), tmp_path / "a.parquet")
    read = [record for _, record in read_records(str(tmp_path / "a.parquet"))]
    assert read == [{"prompt": "one"}, "it is no UTF-8", {"prompt": "three"}]


@pytest.mark.parametrize(
    "odd",
    [
        pa.array([0, 2**31 - 1, 0], pa.int32()).view(pa.date32()),
        pa.array([0, 2**38, 0], pa.int64()).view(pa.timestamp("s")),
        pa.array([0, 2**62, 0], pa.int64()).view(pa.duration("s")),
    ],
)
def test_a_moment_that_python_has_no_place_for_costs_its_row_alone(
    odd: pa.Array, tmp_path: Path
) -> None:
    table = pa.table({"prompt": ["one", "two", "three"], "odd": odd})
    pq.write_table(table, tmp_path / "a.parquet")
    read = [record for _, record in read_records(str(tmp_path / "a.parquet"))]
    assert [isinstance(each, dict) for each in read] == [True, False, True]
    assert "it holds a value that cannot be read: " in str(read[1])


def test_pictures_of_a_saved_dataset_are_their_bytes(tmp_path: Path) -> None:
    picture = {"bytes": b"no picture at all", "path": None}
    held = {"prompt": ["one", "two"], "image": [picture] * 2, "more": [[picture]] * 2}
    features = Features({"prompt": Value("string"), "image": Image(), "more": [Image()]})
    Dataset.from_dict(held, features).save_to_disk(tmp_path / "d")
    read = [record for _, record in read_records(str(tmp_path / "d"))]
    assert read[1] == {"prompt": "two", "image": picture, "more": [picture]}


@pytest.mark.parametrize("pictures", [False, True])
def test_objects_of_a_saved_dataset_are_objects(pictures: bool, tmp_path: Path) -> None:
    tool = {"type": "function", "function": {"name": "f"}}
    held: dict[str, Any] = {"prompt": ["one"], "tools": [[tool]], "reference": [{"a": [1]}]}
    features = Features({"prompt": Value("string"), "tools": List(Json()), "reference": Json()})
    if pictures:
        held["image"] = [{"bytes": b"no picture at all", "path": None}]
        features["image"] = Image()
    Dataset.from_dict(held, Features(features)).save_to_disk(tmp_path / "d")
    ((_, record),) = read_records(str(tmp_path / "d"))
    assert isinstance(record, dict)
    assert (record["tools"], record["reference"]) == ([tool], {"a": [1]})


@pytest.mark.parametrize("name", ["a.jsonl", "a.json", "a.csv"])
def test_a_line_without_an_end_is_one_sentence(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module, limit in ((reader, "LONGEST"), (csv_records, "LONGEST_RECORD")):
        monkeypatch.setattr(module, limit, 1000)
    path = tmp_path / f"{name}.gz"
    begun = "prompt\n" if name == "a.csv" else ""
    path.write_bytes(gzip.compress((begun + "x" * 100_000).encode()))
    with pytest.raises(ConfigError, match=r"longer than "):
        list(read_records(str(path)))


def test_a_table_has_only_so_many_columns(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(",".join(f"c{n}" for n in range(10_001)) + "\n1\n")
    with pytest.raises(ConfigError, match=r"a\.csv: the first line names 10,001 columns; at most"):
        list(read_records(str(tmp_path / "a.csv")))


def test_an_array_is_not_held_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(b'[{"prompt": "1"},\n{"prompt": "2"},\n' + b"\x00" * 10)
    records = read_records(str(path))
    assert next(records)[1] == {"prompt": "1"}  # nothing behind it was needed


CUT = gzip.compress(LINES.encode(), mtime=0)[:-9]
"""The same bytes whenever it is collected, since its test is named by them."""


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("a.jsonl.gz", CUT, "cannot be read: OSError: Truncated"),
        ("a.jsonl.zst", b"\x28\xb5\x2f\xfd\x00\x00", "cannot be read: OSError: Truncated"),
        ("a.jsonl", b"version https://git-lfs.github.com/spec/v1\n", "pointer of Git LFS: `git lf"),
        ("a.csv", b"PK\x03\x04 a workbook", "is a zip archive or a spreadsheet: unpack it"),
        ("a.parquet", b"version https://git-lfs", "cannot be read"),
        ("a.jsonl", b"\xff\xfe\x00", "cannot be read: UnicodeDecodeError"),
    ],
)
def test_what_cannot_be_read_at_all_is_one_sentence(
    tmp_path: Path, name: str, content: bytes, sentence: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ConfigError, match=sentence):
        list(read_records(str(tmp_path / name)))


def prompts(folder: Path, split: str | None = None, name: str | None = None) -> list[Any]:
    read = read_records(str(folder), split=split, name=name)
    return [record["prompt"] for _, record in read if isinstance(record, dict)]


def line(path: Path, prompt: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"prompt": prompt}) + "\n", encoding="utf-8")


def of_files(folder: Path) -> None:
    line(folder / "data" / "train-00000-of-00001.jsonl", "train")
    line(folder / "data" / "test-00000-of-00001.jsonl", "test")


def of_folders(folder: Path) -> None:
    line(folder / "train" / "a.jsonl", "train")
    line(folder / "test" / "a.jsonl", "test")


def of_the_readme(folder: Path) -> None:
    line(folder / "one.jsonl", "train")
    line(folder / "two.jsonl", "test")
    (folder / "README.md").write_text(
        "---\nconfigs:\n- config_name: default\n  data_files:\n"
        "  - {split: train, path: one.jsonl}\n  - {split: test, path: two.jsonl}\n---\n",
        encoding="utf-8",
    )


def of_the_library(folder: Path) -> None:
    parts = {each: Dataset.from_list([{"prompt": each}]) for each in ("train", "test")}
    DatasetDict(parts).save_to_disk(str(folder))


@pytest.mark.parametrize("make", [of_files, of_folders, of_the_readme, of_the_library])
def test_a_folder_gives_the_split_that_is_asked_for(
    tmp_path: Path, make: Callable[[Path], None]
) -> None:
    folder = tmp_path / "set [1]"
    make(folder)
    (folder / "dataset_infos.json").write_text("{}", encoding="utf-8")
    line(folder / ".cache" / "train.jsonl", "hidden")
    line(folder / ".hidden.jsonl", "hidden")
    assert prompts(folder) == prompts(folder, "train") == ["train"]
    assert prompts(folder, "test") == ["test"]
    assert open_records(str(folder)).told.startswith("split train")
    with pytest.raises(ConfigError, match="no split validation; there are test, train"):
        prompts(folder, "validation")


def test_a_folder_without_splits_is_read_whole(tmp_path: Path) -> None:
    line(tmp_path / "b.jsonl", "2")
    line(tmp_path / "a.jsonl", "1")
    assert prompts(tmp_path) == ["1", "2"]
    with pytest.raises(ConfigError, match="no split test"):
        prompts(tmp_path, "test")


def test_the_only_split_is_read_whatever_it_is_called(tmp_path: Path) -> None:
    line(tmp_path / "test.jsonl", "only")
    assert prompts(tmp_path) == ["only"]
    with pytest.raises(ConfigError, match="no split train; there are test"):
        prompts(tmp_path, "train")


def test_of_several_configurations_one_has_to_be_named(tmp_path: Path) -> None:
    line(tmp_path / "one.jsonl", "1")
    line(tmp_path / "two.jsonl", "2")
    (tmp_path / "README.md").write_text(
        "---\nconfigs:\n- {config_name: a, data_files: one.jsonl}\n"
        "- {config_name: b, data_files: two.jsonl}\n---\n",
        encoding="utf-8",
    )
    assert prompts(tmp_path, name="b") == ["2"]
    with pytest.raises(ConfigError, match=r"name one of a, b \(--name\)"):
        prompts(tmp_path)
    with pytest.raises(ConfigError, match="no configuration c; there are: a, b"):
        prompts(tmp_path, name="c")


@pytest.mark.parametrize(
    ("name", "text"),
    [("state.json", "[]"), ("README.md", "---\nconfigs:\n- config_name: a\n  data_dir: 5\n---\n")],
)
def test_odd_descriptions_of_a_folder_are_one_sentence(
    name: str, text: str, tmp_path: Path
) -> None:
    line(tmp_path / "train.jsonl", "a")
    (tmp_path / name).write_text(text)
    with pytest.raises(ConfigError, match=r"cannot be read: |holds neither "):
        list(read_records(str(tmp_path)))
