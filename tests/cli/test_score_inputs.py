"""`bestofn score` reads its rows before it loads a model: a bad file fails at once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from bestofn.cli import app


@pytest.mark.parametrize(
    ("content", "code", "sentence"),
    [
        ("", 2, "no rows"),
        ("\n\n", 2, "no rows"),
        ("{oops\n" * 3, 4, "none of 3 rows can be read"),
        ('{"prompt": "x"}\n', 4, "none of 1 rows can be read"),
        ('[build-system]\nrequires = ["hatchling"]\n', 4, "none of 2 rows can be read"),
    ],
)
def test_a_file_without_a_row_to_score_loads_nothing(
    content: str, code: int, sentence: str, tmp_path: Path
) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_text(content, encoding="utf-8")
    done = CliRunner().invoke(app, ["score", str(file), "--reward-model", "/no/such/model"])
    assert done.exit_code == code
    assert f"bestofn: {file}: {sentence}" in done.stderr
    assert "/no/such/model" not in done.stderr


def test_every_row_has_a_line_of_json_that_says_which_it_is(tmp_path: Path) -> None:
    rows: list[Any] = [
        {"id": "a", "prompt": "x", "responses": ["One."]},
        {"id": "b", "prompt": "x"},
        {"id": None, "prompt": "x", "responses": ["One."]},
        {"id": 4, "prompt": "x", "responses": [{"text": "", "finish_reason": "stop"}]},
    ]
    file = tmp_path / "rows.jsonl"
    lines = [*map(json.dumps, rows), "{oops"]
    file.write_text(f"{lines[0]}\n\n" + "\n".join(lines[1:]) + "\n", encoding="utf-8")
    command = ["score", str(file), "--reward-model", "none", "--json"]
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 2, done.output
    told = list(map(json.loads, done.stdout.splitlines()))
    assert [each["row"] for each in told] == [1, 2, 3, 4, 5]
    assert [each.get("id", "") for each in told] == ["a", "b", "", 4, ""]
    assert [each["source"] for each in told] == [f"rows.jsonl:{n}" for n in (1, 3, 4, 5, 6)]
    assert told[1] == {
        "row": 2,
        "source": "rows.jsonl:3",
        "id": "b",
        "error": "responses: has to be given",
    }
    assert told[0]["winner"]["text"] == "One."
    assert (told[3]["winner"], told[3]["rejected"]) == (None, {"empty": 1})
    assert told[4]["error"].startswith("it is no JSON")


def test_where_no_row_can_be_read_each_still_has_its_line(tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_text('{"id": "a"}\n{"id": "b"}\n', encoding="utf-8")
    done = CliRunner().invoke(app, ["score", str(file), "--json"])
    assert done.exit_code == 4
    assert [json.loads(line)["id"] for line in done.stdout.splitlines()] == ["a", "b"]


def test_what_stands_before_the_end_of_a_file_that_was_cut_off_is_scored(tmp_path: Path) -> None:
    row = json.dumps({"prompt": "x", "responses": ["One."]})
    file = tmp_path / "rows.json"
    file.write_text(f"[{row},\n{row},\n{row[:-2]}", encoding="utf-8")
    done = CliRunner().invoke(app, ["score", str(file), "--reward-model", "none", "--json"])
    assert done.exit_code == 2
    assert "rows.json:3: the file ends within what begins there" in done.stderr
    assert [json.loads(line)["row"] for line in done.stdout.splitlines()] == [1, 2]
