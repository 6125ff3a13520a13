"""Flags that are wrong: one sentence in our words, and the code 2."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from bestofn.cli import app


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["ask", "x", "--best-of", "many"], "'--best-of': must be a whole number"),
        (["ask", "x", "--best-of", "0"], "'--best-of': must be at least 1"),
        (["ask", "x", "--temperature", "3"], "'--temperature': must be at most 2"),
        (["ask", "x", "--seed", "1.5"], "'--seed': must be a whole number"),
        (["ask", "x", "--engine", "vlm"], "'--engine': 'vlm' is not one of 'auto', 'vllm'"),
        (["serve", "--port", "x"], "'--port': must be a whole number"),
        (["sample", "x", "-o", "y", "--gpus-per-worker", "-1"], "'--gpus-per-worker': must be at"),
        (["sample", "x", "-o", "y", "--format", "x"], "'--format': 'x' is not one of 'all', 'sft'"),
        (["filter", "x", "--limit", "0"], "'--limit': must be at least 1"),
        (["export", "x", "--min-confidence", "2"], "'--min-confidence': must be at most 1"),
    ],
)
def test_a_wrong_flag_is_told_in_our_words(arguments: list[str], sentence: str) -> None:
    done = CliRunner().invoke(app, arguments, env={"COLUMNS": "200"})
    assert done.exit_code == 2
    assert sentence in done.stderr
    assert "Input should" not in done.stderr
    assert "Value error" not in done.stderr
