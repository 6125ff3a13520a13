"""What `--help` says: every default that a flag's help names is shown."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bestofn.cli import app

COMMANDS = (
    "ask",
    "serve",
    "batch",
    "score",
    "filter",
    "plan",
    "models",
    "sample",
    "export",
    "report",
    "verify",
)
SOURCES = Path(__file__).parents[2] / "bestofn" / "cli"


@pytest.mark.parametrize("command", COMMANDS)
def test_each_commands_help_is_there(command: str) -> None:
    done = CliRunner().invoke(app, [command, "--help"], env={"COLUMNS": "200"})
    assert done.exit_code == 0


def test_no_default_is_lost_to_markup() -> None:
    """A word in brackets is markup to rich, and vanishes unless its bracket is escaped."""
    text = "".join(path.read_text(encoding="utf-8") for path in SOURCES.glob("*.py"))
    assert re.findall(r'help="[^"]*(?<!\\)\[[a-z@#/-][^"]*"', text) == []
    shown = CliRunner().invoke(app, ["sample", "--help"], env={"COLUMNS": "200"}).output
    assert "[vllm where it is installed]" in shown
    assert "[--workers]" in shown
    assert "[all]" in shown
