"""What `--help` says, and what a flag that is a section of the settings is read as."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bestofn.cli import app
from bestofn.cli.options import stop_rule
from bestofn.core.errors import ConfigError

COMMANDS = (
    "ask",
    "serve",
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


@pytest.mark.parametrize(
    ("given", "section"),
    [
        (None, None),
        ("auto", {"rule": "auto"}),
        ("evidence share=0.6 waves=2", {"rule": "evidence", "share": "0.6", "waves": "2"}),
        ("", {"rule": ""}),
    ],
)
def test_a_stopping_rule_as_a_flag_is_its_section(given: str | None, section: object) -> None:
    assert stop_rule(given) == section


@pytest.mark.parametrize("given", ["accepted count", "accepted count=", "auto =3 x"])
def test_an_option_of_a_rule_without_a_value_is_refused(given: str) -> None:
    with pytest.raises(ConfigError, match="is no option with a value"):
        stop_rule(given)
