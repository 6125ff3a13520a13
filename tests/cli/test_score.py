"""`bestofn score` from the outside: rows in, rankings out, mistakes named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Run

pytestmark = pytest.mark.model  # processes of their own, or models in this one

CUT = {"text": "There are 12 of them, and", "finish_reason": "length"}
RIGHT = "8 - 5 = 3."


def _write(folder: Path, *rows: Any) -> str:
    path = folder / "rows.jsonl"
    lines = (row if isinstance(row, str) else json.dumps(row, ensure_ascii=False) for row in rows)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return str(path)


def test_rows_are_ranked_in_order(bestofn: Run, tmp_path: Path) -> None:
    file = _write(
        tmp_path,
        {"prompt": "What is 8 - 5?", "responses": ["8 - 5 = 6.", RIGHT, CUT], "more": 1},
        "",
        {"messages": [{"role": "user", "content": "Hello?"}], "responses": ["Hello."]},
    )
    done = bestofn("score", file, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    first, second = map(json.loads, done.stdout.splitlines())
    assert first["best_of"] == 3
    assert first["winner"]["text"] == RIGHT
    assert first["winner"] == first["candidates"][0]
    assert set(first["winner"]) >= {
        "index", "text", "finish_reason", "reward", "rank", "rejections", "completion_tokens",
    }  # fmt: skip
    assert [c["rank"] for c in first["candidates"]] == [1, 2, None]
    (rejection,) = first["candidates"][2]["rejections"]
    assert (rejection["filter"], rejection["reason"]) == ("truncation", "length")
    assert first["rejected"] == {"length": 1}
    assert first["fallback"] is None
    assert first["usage"]["reward_tokens"] > 0
    assert set(first["timings"]) >= {"total", "scoring"}
    assert second["candidates"][0]["text"] == "Hello."


def test_without_a_reward_model_what_the_filters_keep_is_chosen_by_agreement(
    bestofn_here: Run, tmp_path: Path
) -> None:
    file = _write(
        tmp_path, {"prompt": "x", "responses": [RIGHT, CUT]}, {"prompt": "x", "responses": [CUT]}
    )
    done = bestofn_here("score", file, "--reward-model", "none", "--json")
    first, second = map(json.loads, done.stdout.splitlines())
    assert done.returncode == 0
    assert first["winner"]["text"] == RIGHT
    assert [c["reward"] for c in first["candidates"]] == [None, None]
    assert [len(c["rejections"]) for c in first["candidates"]] == [0, 1]
    assert second["rejected"] == {"length": 1}


def test_the_table_shows_rewards_and_reasons(bestofn_here: Run, tmp_path: Path) -> None:
    file = _write(tmp_path, {"prompt": "What is 8 - 5?", "responses": [RIGHT, CUT]})
    done = bestofn_here("score", file)
    assert RIGHT in done.stdout
    assert "length" in done.stdout
    assert "best of 2" in done.stdout


def test_standard_input_is_read(bestofn: Run) -> None:
    row = json.dumps({"prompt": "x", "responses": ["One."]})
    done = bestofn("score", "-", "--reward-model", "none", "--json", input=row)
    assert json.loads(done.stdout)["best_of"] == 1


def test_a_broken_row_is_named_and_the_others_are_done(bestofn: Run, tmp_path: Path) -> None:
    good = {"prompt": "x", "responses": ["One."]}
    file = _write(
        tmp_path,
        good,
        "{oops",
        {"prompt": "x"},
        {"prompt": "x", "messages": [], "responses": ["a"]},
        {"prompt": "x", "responses": []},
        {"prompt": "x", "responses": [{"text": 3}]},
        {"responses": ["a"]},
        good,
    )
    done = bestofn("score", file, "--reward-model", "none", "--json")
    assert done.returncode == 2
    told = list(map(json.loads, done.stdout.splitlines()))
    assert [each["row"] for each in told] == list(range(1, 9))
    assert ["error" in each for each in told] == [False, *[True] * 6, False]
    lines = done.stderr.splitlines()
    assert len(lines) == 7
    assert [line.split(":")[2] for line in lines[:6]] == ["2", "3", "4", "5", "6", "7"]
    assert "responses: has to be given" in lines[1]
    assert "give either prompt or messages" in lines[5]
    assert lines[6] == f"bestofn: {file}: 6 of 8 rows cannot be read"


@pytest.mark.parametrize(
    ("content", "sentence"),
    [(b"", "no rows"), (b"\n\n", "no rows"), (b"\xff\xfe\x00", "cannot be read")],
)
def test_a_file_without_rows_is_bad_input(
    bestofn_here: Run, tmp_path: Path, content: bytes, sentence: str
) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(content)
    done = bestofn_here("score", str(path), "--reward-model", "none")
    assert done.returncode == 2
    assert sentence in done.stderr
    assert str(path) in done.stderr


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["score", "nowhere.jsonl"], "nowhere.jsonl: no such file"),
        (["score", "/dev/null"], "/dev/null: this is a pipe or a device, not a file"),
        (["score", "tests"], "tests: this is a folder"),
        (["score", "{rows}", "--reward-model", "/no/such/model"], "/no/such/model"),
        (["score", "x", "--reward", "y"], "No such option"),
        (["scroe", "x"], "No such command"),
    ],
)
def test_wrong_arguments_exit_with_2(
    bestofn_here: Run, tmp_path: Path, arguments: list[str], sentence: str
) -> None:
    rows = _write(tmp_path, {"prompt": "x", "responses": ["One."]})
    done = bestofn_here(*(each.format(rows=rows) for each in arguments))
    assert done.returncode == 2
    assert sentence in done.stderr
    assert done.stdout == ""


def test_the_ziya_cards_cases_are_filtered_as_its_rewards_say(
    bestofn_here: Run, tmp_path: Path
) -> None:
    """The repeated and the cut answer go; what is wrong or poor is the reward's to judge."""
    card = Path(__file__).parents[3] / "shared" / "ziya_card.json"
    if not card.is_file():
        pytest.skip("the model card's sentences are not in this repository")
    cases = json.loads(card.read_text(encoding="utf-8"))["cases"]
    rows = [{"prompt": case["query"], "responses": case["responses"]} for case in cases]
    done = bestofn_here("score", _write(tmp_path, *rows), "--reward-model", "none", "--json")
    facts, poems = map(json.loads, done.stdout.splitlines())
    rejecting = {c["index"]: {r["filter"] for r in c["rejections"]} for c in facts["candidates"]}
    assert rejecting == {0: set(), 1: {"repetition"}, 2: set(), 3: {"truncation"}}
    assert poems["rejected"] == {}
