"""The repository keeps its shape: parts of the suite, folders, sizes of files, docstrings."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.support.parts import HEAVY, MODEL_FOLDERS, part

ROOT = Path(__file__).parents[1]
SHIPPED = ("bestofn", "server")
EVERYTHING = (*SHIPPED, "training", "benchmarks", "examples", "tests")
MOST_LINES = 300


def _modules(*folders: str) -> dict[str, str]:
    """The text of every module there, by its path from the root."""
    return {
        str(path.relative_to(ROOT)): path.read_text(encoding="utf-8")
        for folder in folders
        for path in sorted((ROOT / folder).rglob("*.py"))
    }


def test_every_test_belongs_to_one_part(request: pytest.FixtureRequest) -> None:
    for item in request.session.items:
        markers = {mark.name for mark in item.iter_markers()}
        parts = {
            "fast": "fast" in markers,
            "full": "full" in markers,
            "heavy": "heavy" in markers,
        }
        assert [name for name, inside in parts.items() if inside] == [part(markers)], item.nodeid


@pytest.mark.parametrize("marker", sorted(HEAVY))
def test_what_is_heavy_is_so_with_an_engine_too(marker: str) -> None:
    assert part({marker}) == part({marker, "engine"}) == "heavy"


def test_make_runs_every_part_and_ci_none_twice() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    runs = re.findall(r"^(test[a-z-]*): setup\n\t\S+ -m pytest(.*)$", makefile, re.MULTILINE)
    assert {target: flags.strip() for target, flags in runs} == {
        "test-fast": "-m fast $(NOT_FAST) $(TWO)",
        "test": '-m "not heavy" $(TWO)',
        "test-heavy": "-m heavy",
        "test-all": "",
    }
    ci = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert re.findall(r"^make (\S+)$", ci, re.MULTILINE) == ["check", "test", "test-heavy"]


def test_the_top_of_the_package_is_its_entry_points() -> None:
    top = {path.name for path in (ROOT / "bestofn").glob("*.py")}
    assert top <= {"__init__.py", "__main__.py", "testing.py"}


def test_the_top_of_rewards_holds_few_files() -> None:
    top = sorted(path.name for path in (ROOT / "bestofn" / "rewards").glob("*.py"))
    assert len(top) <= 6, top


def test_no_module_is_long() -> None:
    lines = {path: len(text.splitlines()) for path, text in _modules(*SHIPPED).items()}
    assert {path: count for path, count in lines.items() if count > MOST_LINES} == {}


def test_no_docstring_tells_what_a_module_owns() -> None:
    docstrings = {
        path: ast.get_docstring(ast.parse(text)) or ""
        for path, text in _modules(*EVERYTHING).items()
    }
    assert [path for path, said in docstrings.items() if said.startswith("Owns")] == []


def test_folders_that_the_fast_tests_leave_out_hold_none() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    (folders,) = re.findall(r"^NOT_FAST := \$\(addprefix --ignore=tests/,(.*)\)$", makefile, re.M)
    assert {f"tests/{folder}/" for folder in folders.split()} == set(MODEL_FOLDERS)
