"""What is wrong with a file of settings, each fault with its line and what to write instead.

for problem in problems_of("best_off: 4\\n"):
    print(problem)           # 1: best_off: there is no such option; did you mean best_of?
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml
from pydantic import ValidationError

from bestofn.core.errors import ConfigError
from bestofn.settings.listing import all_settings
from bestofn.settings.settings import BRANCHES, Settings
from bestofn.settings.yaml_lines import Lines
from bestofn.support.error_text import faults


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong; its text is ``line: key: message``.

    Args:
        line: from 1.
        key: dotted; '' for the whole file.
        message: what is wrong, and where it is known what to write.
    """

    line: int
    key: str
    message: str

    def __str__(self) -> str:
        return f"{self.line}: {self.key}: {self.message}" if self.key else self.message


def problems_of(file: Path) -> Sequence[Problem]:
    """All that is wrong with `file`, by line; none: `Settings.load` takes it.

    Raises:
        ConfigError: it cannot be read.
    """
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file}: {error}") from error
    try:
        lines = Lines.of(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = 1 if mark is None else mark.line + 1
        said = getattr(error, "problem", None) or " ".join(str(error).split())
        return [Problem(line, "(YAML)", str(said))]
    found = [
        Problem(lines.at(path), path, "it stands twice, and only the last counts")
        for path in lines.repeated
    ]
    try:
        Settings.load(file)
    except ConfigError as error:
        found += _faults(error, lines)
    return sorted(found, key=lambda problem: problem.line)


def _faults(error: ConfigError, lines: Lines) -> Iterator[Problem]:
    cause = error.__cause__
    if not isinstance(cause, ValidationError):
        yield Problem(1, "(file)", str(error).partition(": ")[2] or str(error))
        return
    said: set[tuple[str, str]] = set()
    for fault in faults(cause, without=BRANCHES):
        if (fault.path, fault.message) in said:
            continue
        said.add((fault.path, fault.message))
        near = _nearest(fault.path) if fault.kind == "extra_forbidden" else None
        message = fault.message if near is None else f"{fault.message}; did you mean {near}?"
        yield Problem(lines.at(fault.path), fault.path or "(file)", message)


def _nearest(path: str) -> str | None:
    """The setting that is spelt most like `path`: beside it, else anywhere."""
    known = [setting.name for setting in all_settings()]
    known += sorted({name.partition(".")[0] for name in known if "." in name})
    section, _, name = path.rpartition(".")
    beside = [each for each in known if each.rpartition(".")[0] == section]
    tails = {each.rpartition(".")[2]: each for each in (*known, *beside)}
    close = difflib.get_close_matches(path, known, n=1, cutoff=0.8)
    close = close or [tails[each] for each in difflib.get_close_matches(name, tails, n=1)]
    return close[0] if close else None
