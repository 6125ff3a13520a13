"""The repository keeps its shape: parts of the suite, folders, sizes of files, docstrings."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support.parts import HEAVY, SHARED_FIXTURES, group, is_asked_for, part

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


def test_the_engines_are_started_in_one_process(request: pytest.FixtureRequest) -> None:
    for item in request.session.items:
        used = SHARED_FIXTURES.intersection(getattr(item, "fixturenames", ()))
        if used and item.get_closest_marker("heavy") is None:
            assert group(item.nodeid) == "engine", f"{item.nodeid} uses {sorted(used)}"


@pytest.mark.parametrize("marker", sorted(HEAVY))
def test_what_is_heavy_is_so_with_an_engine_too(marker: str) -> None:
    assert part({marker}) == part({marker, "engine"}) == "heavy"


def test_make_runs_every_part_and_ci_none_twice() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    runs = re.findall(r"^(test[a-z-]*): setup\n\t\S+ -m pytest(.*)$", makefile, re.MULTILINE)
    assert {target: flags.strip() for target, flags in runs} == {
        "test-fast": "-m fast $(TWO)",
        "test": '-m "not heavy" $(TWO)',
        "test-heavy": '-m "heavy and not alone" $(TWO)',
    }
    assert "\ntest-all: real-model\n\t$(MAKE) test\n\t$(MAKE) test-heavy\n" in makefile
    ci = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    made = re.findall(r"^make (?:--\S+ )*(\S+)$", ci, re.MULTILINE)
    assert made == ["check", "test", "test-heavy"]


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
    owning = re.compile(r'\s*r?"""\s*Owns')  # ruff sees to it that modules begin so
    assert [path for path, text in _modules(*EVERYTHING).items() if owning.match(text)] == []


@pytest.mark.parametrize(
    ("expression", "path", "text", "asked"),
    [
        ("fast", "tests/core/test_x.py", "", True),
        ("fast", "tests/core/test_x.py", "pytestmark = pytest.mark.timeout(9)\n", True),
        ("fast", "tests/core/test_x.py", "@pytest.mark.slow\ndef test_x():", True),
        ("fast", "tests/core/test_x.py", "pytestmark = pytest.mark.model  # why\n", False),
        ("fast", "tests/rewards/test_x.py", "", False),
        ("fast", "tests/server/surfaces/test_x.py", "", False),
        ("not heavy", "tests/rewards/test_x.py", "", True),
        ("not heavy", "tests/core/test_x.py", "pytestmark = pytest.mark.slow\n", False),
        ("not heavy", "tests/x.py", "pytestmark = [\n    pytest.mark.slow,\n]\n", False),
        ("not heavy", "tests/x.py", "pytestmark = [pytest.mark.ray, mark.timeout(1)]\n", False),
        ("fast", "x.py", "pytestmark = [mark.timeout(9)]\nX = [\n    mark.slow,\n]\n", True),
        ("heavy", "tests/rewards/test_x.py", "", False),
        ("heavy", "tests/core/test_x.py", "@pytest.mark.slow\ndef test_x():", True),
        ("heavy", "tests/core/test_x.py", "async def x(vllm_server: str) -> Generator:", True),
        ("heavy and alone", "tests/core/test_x.py", "pytestmark = pytest.mark.model\n", False),
        ("", "tests/core/test_x.py", "pytestmark = pytest.mark.slow\n", True),
    ],
)
def test_a_file_is_read_where_it_can_have_a_test_that_is_asked_for(
    expression: str, path: str, text: str, asked: bool
) -> None:
    assert is_asked_for(expression, path, text) is asked


def test_the_makefile_asks_for_parts_as_the_files_are_left_out() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    asked = re.findall(r'-m pytest -m ("[^"]+"|\S+)', makefile)
    parts = ["fast", "not heavy", "heavy and not alone", "heavy and alone"]
    assert [each.strip('"') for each in asked] == parts
