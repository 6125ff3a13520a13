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
from bestofn.dataset.cleaning.names import is_of_each_answer
from bestofn.dataset.cleaning.writing import check_target, json_lines
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


def test_what_is_only_as_long_as_the_answers_is_left_whole_and_named() -> None:
    record = {
        "responses": ["Yes it is so.", ""],
        "tags": ["math", "easy"],
        "images": ["a.png", "b.png"],
        "correct_answers": ["Yes.", "It is."],
        "scores": [1.0, 0.0],
        "rewards": [1.0],
    }
    (kept,), (rejected,), tally, _ = cleaned(record)
    left = {name: record[name] for name in ("tags", "images", "correct_answers", "rewards")}
    assert kept == {**left, "responses": ["Yes it is so."], "scores": [1.0]}
    del rejected["bestofn"]
    assert rejected == {**left, "responses": [""], "scores": [0.0]}
    counts = tally.as_json()
    assert counts["cut"] == ["scores"]
    assert counts["left_whole"] == ["correct_answers", "images", "tags"]


def test_a_record_that_is_not_parted_names_no_column() -> None:
    *_, tally, _ = cleaned({"responses": [GOOD, GOOD], "tags": ["a", "b"], "scores": [1, 2]})
    assert (tally.cut, tally.left_whole) == (set(), set())


def test_a_column_that_is_mapped_as_why_they_ended_is_parted() -> None:
    record = {"responses": [GOOD, ""], "ended": ["stop", "eos"]}
    (kept,), *_ = cleaned(record, columns={"finish_reason": "ended"})
    assert kept == {"responses": [GOOD], "ended": ["stop"]}


@pytest.mark.parametrize(
    "name",
    [
        *("reward", "rewards", "Scores", "helpfulness_scores", "scores.helpfulness", "RMScore"),
        *("ranks", "ranking", "overall-rating", "models", "reward_model", "model_names", "labels"),
        *("finish_reasons", "finishReason", "stop_reason", "logprobs", "log_probs", "num_tokens"),
        *("token_counts", "seeds", "verdicts", "is_correct", "judgements", "judgment", "critiques"),
        *(
            "feedback",
            "preferences",
            "index",
            "indices",
            "response_ids",
            "generators",
            "gpt4_score",
        ),
    ],
)
def test_a_name_that_says_that_each_answer_has_one(name: str) -> None:
    assert is_of_each_answer(name)


@pytest.mark.parametrize(
    "name",
    [
        *(
            "tags",
            "images",
            "correct_answers",
            "incorrect_answers",
            "reward_names",
            "score_rubrics",
        ),
        *("prompt_tokens", "prompt.tokens", "input_ids", "ids", "token_ids", "image_labels"),
        *(
            "class_labels",
            "passage_scores",
            "sources",
            "score_rubrics",
            "model_card",
            "finish",
            "reasons",
            "",
            "5",
        ),
    ],
)
def test_a_name_that_does_not_say_so(name: str) -> None:
    assert not is_of_each_answer(name)


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
    check_target(Path(name))


@pytest.mark.parametrize("name", ["clean.parquet", "clean.csv", "clean.jsonl.gz"])
def test_one_that_is_called_something_else_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match=r"are written, under \.jsonl, \.ndjson, \.json, and no"):
        check_target(Path(name))
