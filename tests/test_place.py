"""Where a path leads: also on a command line, before anything is loaded."""

from __future__ import annotations

from pathlib import Path

import pytest

from bestofn.core.errors import ConfigError
from bestofn.support.place import place_of
from tests.support.command import run_here


def _circle(folder: Path) -> Path:
    (folder / "one").symlink_to(folder / "other")
    (folder / "other").symlink_to(folder / "one")
    return folder / "one"


def test_links_are_followed(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "there.jsonl")
    assert place_of(tmp_path / "link") == (tmp_path / "there.jsonl").resolve()


def test_links_in_a_circle_lead_nowhere(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"one: its links lead in a circle$"):
        place_of(_circle(tmp_path))


@pytest.mark.parametrize(
    "command", ["batch {input} --output {circle}", "compare {input} --html {circle}"]
)
def test_links_in_a_circle_are_one_sentence(command: str, tmp_path: Path) -> None:
    given = tmp_path / "in.jsonl"
    given.write_text("{}\n")
    line = command.format(input=given, circle=_circle(tmp_path))
    done = run_here(*line.split())
    assert done.returncode == 2
    assert done.stderr.endswith("one: its links lead in a circle\n")
