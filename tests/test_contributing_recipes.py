"""CONTRIBUTING's recipes for a filter, a stopping rule and an answer key, followed literally: in a
copy of the packages one file is made and one line is added where the recipe says, and it runs."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")

pytestmark = pytest.mark.long

FILTER = '''
"""Shouting: answers in capital letters."""

from __future__ import annotations

from dataclasses import dataclass

from bestofn.core.types import Candidate, Rejection, Request


@dataclass(frozen=True, slots=True)
class ShoutingFilter:
    """Rejects answers in capital letters. Reason: `shouting`."""

    least: int = 3
    name: str = "shouting"

    def check(self, request: Request, candidate: Candidate) -> Rejection | None:
        loud = candidate.text.isupper() and len(candidate.text) >= self.least
        return Rejection(self.name, "shouting", "it is in capital letters") if loud else None
'''

RULE = '''
"""First: the first accepted candidate is enough."""

from __future__ import annotations

from dataclasses import dataclass

from bestofn.core.controller import WAIT, Decision, Progress


@dataclass(frozen=True, slots=True)
class First:
    """Stops at the first accepted candidate."""

    def decide(self, progress: Progress) -> Decision:
        return Decision(stop="first") if progress.accepted else WAIT
'''

KEY = '''
"""Vowels: answers with the same vowels say the same."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from bestofn.core.types import Candidate, Request


@dataclass(frozen=True, slots=True)
class VowelsKey:
    """The vowels of the answer, in their order."""

    kind: ClassVar[str] = "vowels"

    def key(self, request: Request, candidate: Candidate) -> str | None:
        return "".join(each for each in candidate.text if each in "aeiou") or None
'''


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The package, where it may be changed."""
    without = shutil.ignore_patterns("__pycache__", "*.safetensors")
    shutil.copytree(ROOT / "bestofn", tmp_path / "bestofn", ignore=without)
    return tmp_path


def _recipe(heading: str) -> str:
    """The text of a recipe, on one line."""
    return " ".join(CONTRIBUTING.partition(f"## {heading}\n")[2].partition("\n## ")[0].split())


def _add(copy: Path, recipe: str, file: str, text: str, line: str) -> None:
    """Make the file that the recipe tells, and add the line to the mapping that it names."""
    (folder,) = re.findall(r"1\. One file in `([\w/]+)`", recipe)
    mapping, builder = re.findall(r"[Oo]ne line in `(\w+)` of `([\w/.]+)`", recipe)[0]
    (copy / folder / file).write_text(text.lstrip(), encoding="utf-8")
    path = copy / builder
    source = path.read_text(encoding="utf-8")
    changed = re.sub(rf"(?m)^({mapping}: Mapping.*\{{)$", rf"\1\n    {line}", source)
    assert changed != source
    path.write_text(changed, encoding="utf-8")


def _run(copy: Path, script: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=copy,
        env={**os.environ, "PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_filter(copy: Path) -> None:
    line = '"shouting": "bestofn.filters.shouting:ShoutingFilter",'
    _add(copy, _recipe("Adding a filter"), "shouting.py", FILTER, line)
    (copy / "rows.jsonl").write_text(
        '{"prompt": "Hello?", "response": "HELLO THERE"}\n'
        '{"prompt": "Hello?", "response": "Hello there."}\n'
        '{"prompt": "Hello?", "response": "HI"}\n'
    )
    (copy / "settings.yaml").write_text("filters: [{shouting: {least: 3}}]\n")
    script = (
        "from bestofn.cli import main; import sys;"
        "sys.argv = ['bestofn', 'filter', 'rows.jsonl', '--config', 'settings.yaml',"
        "'--kept', 'kept.jsonl', '--rejected', 'rejected.jsonl']; main()"
    )
    _run(copy, script)
    kept = (copy / "kept.jsonl").read_text(encoding="utf-8")
    rejected = (copy / "rejected.jsonl").read_text(encoding="utf-8")
    assert (kept.count("\n"), rejected.count("\n")) == (2, 1)
    assert '"reason": "shouting"' in rejected


def test_a_stopping_rule(copy: Path) -> None:
    recipe = _recipe("Adding a controller")
    _add(copy, recipe, "first.py", RULE, '"first": lambda has, options: First(),')
    builder = copy / "bestofn" / "builders" / "stopping.py"
    text = builder.read_text(encoding="utf-8")
    imported = "from bestofn.control.first import First\n"
    first = text.index("from bestofn.control.")
    builder.write_text(text[:first] + imported + text[first:], encoding="utf-8")
    ((name, options, settings),) = re.findall(
        r"its name in `(\w+)` and `(\w+)` of `([\w/.]+)`", recipe
    )
    path = copy / settings
    source = path.read_text(encoding="utf-8")
    named = re.sub(rf'({name} = Literal\[\s*)"none"', r'\1"none", "first"', source)
    changed = re.sub(rf"({options}: Mapping.*\{{)", r'\1\n    "first": frozenset(),', named)
    assert len({source, named, changed}) == 3
    path.write_text(changed, encoding="utf-8")
    script = """
import asyncio
from bestofn import Request, Settings, best_of_n
from bestofn.builders.stopping import Readable, stopping
from bestofn.control.policy import Policy
from bestofn.control.recent_scores import RecentScores
from bestofn.core.pipeline import Pipeline
from bestofn.selection.vote import VoteSelector
from bestofn.answers.text import TextKey
from bestofn.testing import FakeCompletion, FakeGenerator

async def main():
    settings = Settings.load(stop="first")
    has = Readable(None, False, RecentScores(rewards=False))
    policy = Policy(**stopping(settings.stop, has))
    script = [FakeCompletion("one"), FakeCompletion("two", delay=5), FakeCompletion("x", delay=5)]
    pipeline = Pipeline(FakeGenerator(script), VoteSelector(TextKey()), policy=policy)
    ranking = await best_of_n(Request.from_prompt("?", best_of=3), pipeline)
    print(ranking.winner.text, ranking.stopped_by)

asyncio.run(main())
"""
    assert _run(copy, script) == "one first\n"


def test_an_answer_key(copy: Path) -> None:
    line = '"vowels": "bestofn.answers.vowels:VowelsKey",'
    _add(copy, _recipe("Adding an answer key"), "vowels.py", KEY, line)
    script = """
import asyncio
from bestofn import Request, Settings, best_of_n
from bestofn.builders.choosing import build_answer_key, build_selector
from bestofn.core.pipeline import Pipeline
from bestofn.testing import FakeGenerator

async def main():
    settings = Settings.load(selector="vote", answer_key="vowels")
    selector = build_selector(settings.selector, build_answer_key(settings.answer_key))
    pipeline = Pipeline(FakeGenerator(["dog", "bad", "cat"]), selector)
    ranking = await best_of_n(Request.from_prompt("?", best_of=3), pipeline)
    print(ranking.winner.text, round(ranking.confidence, 2))

asyncio.run(main())
"""
    assert _run(copy, script) == "bad 0.67\n"
