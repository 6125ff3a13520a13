"""`bestofn score` reads its rows before it loads a model: a bad file fails at once."""

from __future__ import annotations

from pathlib import Path

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
