"""Every example, and the quick start's code, run as they are written."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.documented import documented_blocks

ROOT = Path(__file__).parents[1]
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))
NEEDS_A_CHECKPOINT = {"ziya_model_card.py"}  # run on a replica by tests/rewards
NEEDS_A_SERVER = {"openai_client.py", "langchain_client.py", "litellm_client.py"}  # by tests/server
OVER_FAKES = {
    f"{name}_client.py" for name in ("anthropic", "inspect", "json_schema", "streaming", "tools")
}
"""By tests/server too, over fakes."""
NEEDS_A_RUN = {"train_on_a_run.py"}  # by tests/dataset
ELSEWHERE = NEEDS_A_CHECKPOINT | NEEDS_A_SERVER | OVER_FAKES | NEEDS_A_RUN


def _run(script: Path) -> str:
    done = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, timeout=200, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_examples_are_short() -> None:
    assert EXAMPLES
    for example in EXAMPLES:
        assert len(example.read_text(encoding="utf-8").splitlines()) < 40, example


@pytest.mark.engine
@pytest.mark.slow
@pytest.mark.parametrize(
    "example",
    [
        e
        for e in EXAMPLES
        if e.name not in NEEDS_A_CHECKPOINT | NEEDS_A_SERVER | OVER_FAKES | NEEDS_A_RUN
    ],
    ids=lambda e: e.stem,
)
def test_the_example_runs(example: Path) -> None:
    assert _run(example).strip()


@pytest.mark.engine
@pytest.mark.slow
def test_the_quick_starts_code_runs_as_written(tmp_path: Path) -> None:
    (snippet,) = (b for b in documented_blocks("python") if b.where.startswith("docs/index.md:"))
    assert len(snippet.line.splitlines()) <= 12
    script = tmp_path / "snippet.py"
    script.write_text(snippet.line, encoding="utf-8")
    lines = _run(script).splitlines()
    assert lines[0].startswith("best: ")
    assert len(lines) >= 9
