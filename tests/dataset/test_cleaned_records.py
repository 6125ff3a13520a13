"""Records of a cleaning: what stands beside the answers goes with them, and each line is JSON."""

from __future__ import annotations

import base64
import datetime
import json
import math
from pathlib import Path
from typing import Any

import pytest

from bestofn.core.errors import ConfigError
from bestofn.dataset.cleaning.answers import read_answers
from bestofn.dataset.cleaning.writing import check_suffix, json_lines
from tests.dataset.test_cleaning import ASKED, GOOD, LOOP, cleaned, said


def test_what_stands_for_each_answer_goes_with_it() -> None:
    record = {
        "prompt": "x",
        "responses": ["", "Blue is a color.", "Red is a color."],
        "rewards": [-9.0, 1.5, 2.5],
        "model": ["a", "b", "c"],
        "finish_reason": ["stop", "stop", "eos"],
        "tags": ["one", "two"],
    }
    (kept,), (rejected,), tally, _ = cleaned(record)
    assert kept == {
        "prompt": "x",
        "responses": ["Blue is a color.", "Red is a color."],
        "rewards": [1.5, 2.5],
        "model": ["b", "c"],
        "finish_reason": ["stop", "eos"],
        "tags": ["one", "two"],
    }
    assert (rejected["responses"], rejected["rewards"], rejected["model"]) == ([""], [-9.0], ["a"])
    assert tally.as_json()["cut"] == ["finish_reason", "model", "rewards"]


def test_a_runs_own_ranked_rows_are_parted_with_their_rewards() -> None:
    record = {
        "row": 0,
        "prompt": [ASKED],
        "completions": [[said(GOOD)], [said(LOOP)]],
        "rewards": [2.0, -1.0],
    }
    (kept,), (rejected,), _, _ = cleaned(record)
    assert kept == {**record, "completions": [[said(GOOD)]], "rewards": [2.0]}
    assert (rejected["completions"], rejected["rewards"]) == ([[said(LOOP)]], [-1.0])


def test_what_was_asked_is_never_parted() -> None:
    asked = [{"role": "system", "content": "Be brief."}, ASKED]
    tools = [{"type": "function", "function": {"name": each}} for each in ("f", "g")]
    record = {"messages": asked, "tools": tools, "responses": [GOOD, LOOP]}
    (kept,), _, tally, _ = cleaned(record)
    assert kept == {**record, "responses": [GOOD]}
    assert tally.cut == set()


def test_a_record_that_is_kept_whole_is_not_parted() -> None:
    record = {"prompt": "x", "chosen": GOOD, "rejected": "8 - 5 = 4.", "rewards": [1.0, 0.0]}
    answered = read_answers(0, "x:1", record, {})
    assert answered.beside == ()
    assert cleaned(record)[0] == [record]


def test_what_json_does_not_have_is_written_all_the_same(tmp_path: Path) -> None:
    record: dict[str, Any] = {
        "score": math.nan,
        "scores": [1.0, math.inf, {"a": -math.inf}],
        "image": {"bytes": b"\xff\xd8", "path": None},
        "day": datetime.date(2024, 2, 29),
        "half": "\ud83d",
    }
    with json_lines(tmp_path / "a.jsonl") as write:
        write(record)

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    (line,) = (tmp_path / "a.jsonl").read_text("utf-8").splitlines()
    read = json.loads(line, parse_constant=refuse)
    assert (read["score"], read["scores"]) == (None, [1.0, None, {"a": None}])
    assert base64.b64decode(read["image"]["bytes"]) == b"\xff\xd8"
    assert (read["day"], read["half"]) == ("2024-02-29", "\ud83d")


@pytest.mark.parametrize("name", ["a.jsonl", "a.NDJSON", "b.json", "kept"])
def test_a_file_may_be_called_what_it_is(name: str) -> None:
    check_suffix(Path(name))


@pytest.mark.parametrize("name", ["clean.parquet", "clean.csv", "clean.jsonl.gz"])
def test_one_that_is_called_something_else_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match=r"are written, under \.jsonl, \.ndjson, \.json, and no"):
        check_suffix(Path(name))
