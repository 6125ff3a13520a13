"""The command lines of the documentation, as they are written there."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PLACES = (
    *("README.md", "server/README.md", "CONTRIBUTING.md", "SECURITY.md", "docs/**/*.md"),
    *("bestofn/**/*.py", "server/**/*.py", "benchmarks/**/*.py", "training/**/*.py"),
    *("examples/**/*.py", "examples/**/*.yaml"),
)
_PROGRAM = r"(?:bestofn (?!models`)[a-z]+|\.venv/bin/\S+|make [a-z]|vllm serve|serve run|python -)"
_COMMAND = re.compile(rf"(?:[A-Z][A-Z_]+=\S+ )*{_PROGRAM}")
_MENTION = re.compile(r"(?:bestofn|vllm|serve|make) [a-z]+(?: --[a-z-]+(?: [\w.]+)?)?|[^ ]+ ?[^ ]*")
"""Names a command, or one flag of it, and is none to be typed."""


@dataclass(frozen=True)
class Documented:
    """A command line, or a block.

    Args:
        line: as it is written; a command without a comment behind it.
        where: file and line.
    """

    line: str
    where: str


def documented_blocks(language: str) -> list[Documented]:
    """Every fenced block of a language in the documentation, without its indentation."""
    files = sorted({p for place in PLACES if place.endswith(".md") for p in ROOT.glob(place)})
    return [block for path in files for block in _blocks(path, language)]


def _blocks(path: Path, language: str) -> Iterator[Documented]:
    text = path.read_text(encoding="utf-8")
    pattern = rf"^( *)```{language}\n(.*?)^ *```$"
    for found in re.finditer(pattern, text, re.MULTILINE | re.DOTALL):
        at = text.count("\n", 0, found.start()) + 1
        yield Documented(textwrap.dedent(found[2]), f"{path.relative_to(ROOT)}:{at}")


def documented_commands() -> list[Documented]:
    """Every command line: of a block of its own, or between backticks with arguments."""
    files = sorted({path for place in PLACES for path in ROOT.glob(place)})
    return [command for path in files for command in _in_file(path)]


def _in_file(path: Path) -> Iterator[Documented]:
    name = str(path.relative_to(ROOT))
    text = re.sub(r"\\\n\s*#?\s*", "", path.read_text(encoding="utf-8"))
    for at, line in enumerate(text.splitlines(), start=1):
        bare = re.sub(r"^[\s#]*", "", line)
        if _COMMAND.match(bare) and (line.startswith((" ", "#")) or bare == line):
            if path.suffix == ".md" and not line.startswith("    "):
                continue  # prose that begins so
            if path.suffix == ".py" and not _is_command_in_docstring(line):
                continue
            yield Documented(re.sub(r"\s+#.*$", "", bare), f"{name}:{at}")
        if path.suffix == ".py" and '"""' not in line and not line.startswith(" "):
            continue
        for quoted in re.findall(r"`([^`]+)`", line):
            if _COMMAND.match(quoted) and not _MENTION.fullmatch(quoted):
                yield Documented(quoted, f"{name}:{at}")


def _is_command_in_docstring(line: str) -> bool:
    return not re.search(r"[;:(]$|\bimport\b|``", line.strip())
