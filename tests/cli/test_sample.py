"""`bestofn sample` from the outside: a dataset, resumed, verified, exported again."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from tests.cli.conftest import SCRIPT, Run

pytestmark = pytest.mark.model  # processes of their own, or models in this one

PROMPTS = [f"What is {a} + {b}?" for a in range(1, 6) for b in range(1, 5)]


@pytest.fixture
def prompts(tmp_path: Path) -> str:
    path = tmp_path / "prompts.jsonl"
    rows: list[Any] = [{"question": each} for each in PROMPTS]
    lines = [*map(json.dumps, rows[:7]), "{broken", *map(json.dumps, rows[7:])]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return str(path)


def _arguments(prompts: str, folder: Path) -> list[str]:
    named = ["--column", "prompt=question", "--engine", "transformers", "--best-of", "4"]
    return ["sample", prompts, "--output", str(folder), *named, "--seed", "7", "--max-tokens", "32"]


def test_from_prompts_to_a_dataset(
    bestofn: Run, bestofn_here: Run, prompts: str, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    done = bestofn(*_arguments(prompts, folder), "--license", "mit")
    assert done.returncode == 0, done.stderr
    assert "20 rows sampled, 0 were finished before" in done.stderr
    assert "1 row cannot be read, the first is prompts.jsonl:8: it is no JSON" in done.stderr
    table = pq.read_table(folder / "rollouts" / "part-000000.parquet").to_pylist()
    assert [row["row"] for row in table] == list(range(21))
    assert table[7]["error"].startswith("it is no JSON")
    right = 0
    for row in pq.read_table(folder / "sft" / "train.parquet").to_pylist():
        question, answer = row["messages"][0]["content"], row["messages"][-1]["content"]
        a, b = (int(word.rstrip("?")) for word in question.split() if word.rstrip("?").isdigit())
        right += str(a + b) in answer
    assert right >= 14
    again = bestofn_here(*_arguments(prompts, folder))
    assert again.returncode == 0, again.stderr
    assert "0 rows sampled, 21 were finished before" in again.stderr
    whole = bestofn_here("verify", str(folder))
    assert "all is as it was written; what is exported can be read: sft, dpo, " in whole.stdout
    pairs = bestofn_here("export", str(folder), "--format", "dpo", "--min-margin", "0.5")
    assert pairs.returncode == 0, pairs.stderr
    for line in (folder / "dpo" / "train.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        assert row["chosen_reward"] - row["rejected_reward"] >= 0.5
    other = bestofn_here(*_arguments(prompts, folder), "--temperature", "0.5")
    assert other.returncode == 2
    assert "temperature was None and is 0.5" in other.stderr
    (folder / "rollouts" / "part-000000.parquet").write_bytes(b"PAR1")
    broken = bestofn_here("verify", str(folder))
    assert broken.returncode == 1
    assert "part-000000.parquet is not what was written" in broken.stdout
    (folder / "dpo" / "train.parquet").write_bytes(b"PAR1")
    (folder / "sft" / "train.jsonl").write_text('{"row": 0}\n{"ro', encoding="utf-8")
    exported = bestofn_here("verify", str(folder)).stdout.splitlines()
    assert len(exported) == 3
    assert "train.jsonl cannot be read; `--format sft` of `bestofn export` writes it" in exported[1]
    assert (
        "train.parquet cannot be read; `--format dpo` of `bestofn export` writes it" in exported[2]
    )


@pytest.mark.slow  # starts the engine three times
def test_interrupted_it_goes_on(bestofn: Run, prompts: str, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    command = [SCRIPT, *_arguments(prompts, folder), "--in-flight", "1"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        journal = folder / "journal.jsonl"
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            if journal.is_file() and journal.read_bytes().count(b"\n") >= 2:
                break
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        assert process.wait(30) in (130, 0)
    done = bestofn(*_arguments(prompts, folder), "--in-flight", "1")
    assert done.returncode == 0, done.stderr
    whole = tmp_path / "whole"
    assert bestofn(*_arguments(prompts, whole), "--in-flight", "1").returncode == 0
    part = Path("rollouts") / "part-000000.parquet"
    kept = [pq.read_table(each / part).to_pylist() for each in (folder, whole)]
    texts = [[[c["text"] for c in row["candidates"]] for row in rows] for rows in kept]
    assert texts[0] == texts[1]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["/no/such.jsonl"], "/no/such.jsonl: no such file"),
        (["{prompts}", "--column", "question"], "--column question is not FIELD=COLUMN"),
        (["{prompts}", "--keep", "above"], "above needs a threshold"),
        (["{empty}"], "no rows"),
    ],
)
def test_bad_input_is_one_sentence(
    bestofn_here: Run, prompts: str, tmp_path: Path, arguments: list[str], sentence: str
) -> None:
    (tmp_path / "empty.jsonl").touch()
    named = {"{prompts}": prompts, "{empty}": str(tmp_path / "empty.jsonl")}
    given = [named.get(each, each) for each in arguments]
    done = bestofn_here("sample", *given, "--output", str(tmp_path / "run"))
    assert done.returncode == 2
    assert sentence in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "run").exists()


def test_a_folder_that_is_no_run(bestofn_here: Run, tmp_path: Path) -> None:
    for command in ("verify", "export"):
        done = bestofn_here(command, str(tmp_path))
        assert done.returncode == 2
        assert "holds no run" in done.stderr
