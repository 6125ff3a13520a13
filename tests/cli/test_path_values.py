"""Paths that are none: empty, as "$OUT" is without such a variable, or no UTF-8."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.command import run_here

SAMPLE = ("--upstream=http://127.0.0.1:9", "--reward-model=none")


@pytest.mark.parametrize(
    "arguments",
    [
        ("sample", "rows.jsonl", "--output", "", *SAMPLE),
        ("sample", "rows.jsonl", "--output=", *SAMPLE),
        ("sample", "", "--output", "run", *SAMPLE),
        ("filter", ""),
        ("filter", "rows.jsonl", "--kept", ""),
        ("filter", "rows.jsonl", "--rejected", ""),
        ("score", ""),
        ("batch", "", "--output", "out.jsonl"),
        ("batch", "rows.jsonl", "--output", ""),
        ("export", ""),
        ("report", ""),
        ("verify", ""),
        ("compare", ""),
        ("config", "check", ""),
        ("config", "init", ""),
        ("ask", "What?", "--config", ""),
        ("serve", "--api-key-file", "", *SAMPLE),
    ],
)
def test_an_empty_value_is_refused(
    arguments: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("rows.jsonl").write_text(json.dumps({"prompt": "q", "response": "a"}), encoding="utf-8")
    done = run_here(*arguments)
    assert done.returncode == 2
    assert "is empty: name a file" in " ".join(done.stderr.split())
    assert [each.name for each in tmp_path.iterdir()] == ["rows.jsonl"]


@pytest.mark.parametrize(
    "arguments",
    [
        ("sample", "rows.jsonl", "--output", "run\udcff", *SAMPLE),
        ("sample", "rows\udcff.jsonl", "--output", "run", *SAMPLE),
        ("batch", "rows.jsonl", "--output", "out\udcff.jsonl"),
        ("report", "run\udcff"),
    ],
)
def test_a_name_that_nothing_could_hold_is_refused_before_any_work(
    arguments: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = run_here(*arguments)
    assert done.returncode == 2
    assert "is no UTF-8: rename it" in " ".join(done.stderr.split())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", ["ask -", "score -", "filter -"])
def test_a_closed_standard_input_is_one_sentence(command: str) -> None:
    line = f'exec "$0" -m bestofn {command} <&-'
    ended = subprocess.run(["bash", "-c", line, sys.executable], capture_output=True, text=True)
    assert (ended.returncode, ended.stderr) == (2, "bestofn: standard input is closed\n")
