"""What is wrong with a file of settings, each fault with its line and what to write instead.

for problem in problems_of("best_off: 4\\n"):
    print(problem)           # 1: best_off: there is no such option; did you mean best_of?
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml
from pydantic import ValidationError

from bestofn.core.errors import ConfigError
from bestofn.settings.nearest import hint
from bestofn.settings.settings import BRANCHES, Settings, no_file
from bestofn.settings.yaml_lines import Lines
from bestofn.settings.yaml_values import problem_of
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
    if not file.is_file():
        raise ConfigError(no_file(file))
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file}: {error}") from error
    try:
        lines = Lines.of(text)
    except yaml.YAMLError as error:
        return [_of_yaml(error)]
    found = [
        Problem(lines.at(path), path, "it stands twice, and only the last counts")
        for path in lines.repeated
    ]
    try:
        Settings.load(file)
    except ConfigError as error:
        found += _faults(error, lines)
    return sorted(found, key=lambda problem: problem.line)


def _of_yaml(error: yaml.YAMLError) -> Problem:
    line, said = problem_of(error)
    return Problem(line or 1, "(YAML)", said)


def _faults(error: ConfigError, lines: Lines) -> Iterator[Problem]:
    cause = error.__cause__
    if isinstance(cause, yaml.YAMLError):
        yield _of_yaml(cause)
        return
    if not isinstance(cause, ValidationError):
        yield Problem(1, "(file)", str(error).partition(": ")[2] or str(error))
        return
    said: set[tuple[str, str]] = set()
    for fault in faults(cause, without=BRANCHES):
        if (fault.path, fault.message) in said:
            continue
        said.add((fault.path, fault.message))
        message = fault.message + hint(Settings, fault)
        yield Problem(lines.at(fault.path), fault.path or "(file)", message)
