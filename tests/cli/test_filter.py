"""`bestofn filter`: existing data in, what is kept and what is rejected apart, counts by reason."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from bestofn.cli import app

GOOD = {"prompt": "What is 8 - 5?", "response": "8 - 5 = 3."}
LOOP = {"prompt": "What do you see?", "response": "We see: " + "the big red fox " * 9}


def run(*arguments: str | Path, given: str | None = None) -> Result:
    """`bestofn filter` with these arguments, wide enough that no sentence is wrapped; `given` is
    its standard input."""
    command = ["filter", *map(str, arguments)]
    return CliRunner().invoke(app, command, input=given, env={"COLUMNS": "200"})


def written(path: Path, *rows: Any) -> Path:
    """The rows as JSON lines; a text is a line as it is."""
    lines = (row if isinstance(row, str) else json.dumps(row) for row in rows)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def lines_of(path: Path) -> list[Any]:
    """What stands in a file of JSON lines."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_kept_and_rejected_are_written_apart_and_counted(tmp_path: Path) -> None:
    file = written(tmp_path / "rows.jsonl", GOOD, LOOP, GOOD)
    kept, rejected = tmp_path / "kept.jsonl", tmp_path / "rejected.jsonl"
    done = run(file, "--kept", kept, "--rejected", rejected, "--json")
    assert done.exit_code == 0, done.output
    counts = json.loads(done.stdout)
    assert [counts[key] for key in ("rows", "answers", "accepted", "rejected")] == [3, 3, 2, 1]
    (reason,) = counts["reasons"]
    assert (reason["filter"], reason["reason"]) == ("repetition", "exact_loop")
    assert (reason["certain"], reason["suspected"]) == (1, 0)
    assert reason["examples"][0]["source"] == "rows.jsonl:2"
    assert lines_of(kept) == [GOOD, GOOD]
    assert [row["prompt"] for row in lines_of(rejected)] == [LOOP["prompt"]]
    assert sorted(each.name for each in tmp_path.iterdir()) == [
        "kept.jsonl", "rejected.jsonl", "rows.jsonl",
    ]  # fmt: skip


@pytest.mark.parametrize(("rows", "code"), [([], 2), (["{"], 2), (["{oops"], 4), ([{"foo": 1}], 4)])
def test_where_nothing_is_read_what_was_written_before_stays(
    rows: list[Any], code: int, tmp_path: Path
) -> None:
    kept, rejected = tmp_path / "kept.jsonl", tmp_path / "rejected.jsonl"
    written(kept, GOOD)
    done = run(written(tmp_path / "x.jsonl", *rows), "--kept", kept, "--rejected", rejected)
    assert done.exit_code == code
    assert lines_of(kept) == [GOOD]
    assert not rejected.exists()


@pytest.mark.parametrize("given", [json.dumps(GOOD) + "\n", json.dumps([GOOD], indent=1)])
def test_standard_input_is_read(given: str, tmp_path: Path) -> None:
    done = run("-", "--kept", tmp_path / "kept.jsonl", "--json", given=given)
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["accepted"] == 1
    assert lines_of(tmp_path / "kept.jsonl") == [GOOD]


def test_rows_without_a_prompt_are_told(tmp_path: Path) -> None:
    done = run(written(tmp_path / "rows.jsonl", {"question": "x", "response": "8 - 5 = 3."}, GOOD))
    assert "1 rejected" not in done.stdout
    assert "1 rows without a prompt" in done.stdout


def test_of_a_folder_it_is_told_what_is_read(tmp_path: Path) -> None:
    for name in ("test_a.jsonl", "b.jsonl"):
        written(tmp_path / name, GOOD)
    done = run(tmp_path)
    assert done.exit_code == 0
    assert f"bestofn: {tmp_path}: reads split test (1 of 2 files; without the name" in done.stderr
    assert "b.jsonl" in done.stderr


def test_a_mapped_column_that_may_come_later_is_told_before_the_run(tmp_path: Path) -> None:
    rows = [*[GOOD] * 64, "{oops", {**GOOD, "sys": "Be brief."}]
    file, mapped = written(tmp_path / "rows.jsonl", *rows), ("--column", "system=sys")
    done = run(file, *mapped, "--json")
    assert json.loads(done.stdout)["accepted"] == 65
    told, broken, *_ = done.stderr.splitlines()
    assert told == (f"bestofn: {file}: none of its first 64 rows has the column sys (system=sys)")
    assert "rows.jsonl:65: it is no JSON" in broken
    few = run(file, *mapped, "--limit", "10")
    assert few.exit_code == 2
    assert "none of its first 10 rows has the column sys (system=sys); it has" in few.stderr


def test_the_counts_name_the_lists_that_were_parted_and_those_that_were_not(tmp_path: Path) -> None:
    row = {"prompt": "x", "responses": ["8 - 5 = 3.", ""], "tags": ["a", "b"], "scores": [1, 0]}
    said = run(written(tmp_path / "rows.jsonl", row)).stdout
    assert "; parted with the answers: scores; as long as the answers, and left whole: tags" in said


def test_the_table_shows_reasons_and_examples(tmp_path: Path) -> None:
    done = run(written(tmp_path / "rows.jsonl", GOOD, LOOP))
    assert "exact_loop" in done.stdout
    assert "rows.jsonl:2: the 4 tokens 'the big red fox' 9 times" in done.stdout
    assert "2 rows, 2 answers: 1 accepted, 0 suspected, 1 rejected" in done.stdout


def test_the_filters_are_those_of_the_settings(tmp_path: Path) -> None:
    config = tmp_path / "settings.yaml"
    config.write_text("filters: [{length: {max_characters: 5}}]", encoding="utf-8")
    file = written(tmp_path / "rows.jsonl", GOOD)
    counts = json.loads(run(file, "--config", config, "--json").stdout)
    assert [each["reason"] for each in counts["reasons"]] == ["too_long"]


def test_a_broken_row_is_named_and_the_others_are_done(tmp_path: Path) -> None:
    file = written(tmp_path / "rows.jsonl", GOOD, "{oops", {"prompt": "x"}, GOOD)
    kept = tmp_path / "kept.jsonl"
    done = run(file, "--kept", kept)
    assert done.exit_code == 2
    assert lines_of(kept) == [GOOD, GOOD]
    assert "rows.jsonl:2: it is no JSON" in done.stderr
    assert "rows.jsonl:3: it holds no answer" in done.stderr
    assert f"bestofn: {file}: 2 of 4 rows cannot be read" in done.stderr


def test_half_a_surrogate_pair_is_a_broken_row(tmp_path: Path) -> None:
    row = {"prompt": "x", "response": "It is \ud83d here, and it is fine."}
    file, kept = written(tmp_path / "rows.jsonl", row, GOOD), tmp_path / "kept.jsonl"
    done = run(file, "--kept", kept, "--json")
    assert done.exit_code == 2
    assert "rows.jsonl:1: it is no JSON" in done.stderr
    assert lines_of(kept) == [GOOD]


def test_an_input_of_which_nothing_is_read_ends_with_4(tmp_path: Path) -> None:
    file = written(tmp_path / "rows.jsonl", "{oops", {"prompt": "x"}, 5)
    done = run(file, "--kept", tmp_path / "kept.jsonl")
    assert done.exit_code == 4
    assert f"bestofn: {file}: none of 3 rows can be read" in done.stderr
    assert not (tmp_path / "kept.jsonl").exists()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["nowhere.jsonl"], "nowhere.jsonl: no such file"),
        (["/dev/null"], "/dev/null is a pipe or a device, not a file: - reads standard input"),
        (["{file}", "--kept", "{file}"], "cannot be written and be another file"),
        (["{file}", "--kept", "a", "--rejected", "./a"], "cannot be written and be another file"),
        (["{file}", "--kept", "no/such/folder/a"], "there is no such folder"),
        (["{file}", "--kept", "a.parquet"], "a.parquet: JSON lines are written, under .jsonl"),
        (["{file}", "--column", "answer=x"], "--column answer=x is not FIELD=COLUMN"),
        (["{file}", "--config", "nowhere.yaml"], "nowhere.yaml: no such file"),
        (["{empty}"], "no rows"),
        (["-", "--split", "train"], "standard input is no dataset: it has no --split and no --n"),
        (["{file}", "--split", "train"], "is a file: there is nothing that --split could choose"),
        (["{file}", "--name", "x"], "is a file: there is nothing that --name could choose of it"),
    ],
)
def test_bad_input_is_one_sentence(tmp_path: Path, arguments: list[str], sentence: str) -> None:
    file, empty = written(tmp_path / "rows.jsonl", GOOD), tmp_path / "empty.jsonl"
    empty.write_text("\n", encoding="utf-8")
    done = run(*(each.format(file=file, empty=empty) for each in arguments))
    assert done.exit_code == 2
    assert sentence in done.stderr
    assert lines_of(file) == [GOOD]
