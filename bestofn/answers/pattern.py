"""Patterns: what one group of a regular expression finds in an answer."""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass, field
from typing import ClassVar

from bestofn.core.errors import ConfigError
from bestofn.core.types import Candidate, Request


@dataclass(frozen=True, slots=True)
class PatternKey:
    """The first group of the last match, or the whole match where the expression has no group;
    without white space around it. None where nothing is found.

    Args:
        pattern: a regular expression of Python's `re`.

    Raises:
        ConfigError: it is none.
    """

    kind: ClassVar[str] = "pattern"

    pattern: str
    _compiled: re.Pattern[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        try:
            object.__setattr__(self, "_compiled", re.compile(self.pattern))
        except re.error as error:
            raise ConfigError(f"answer key pattern: {self.pattern!r}: {error}") from error

    def key(self, request: Request, candidate: Candidate) -> str | None:
        """See `bestofn.core.protocols.AnswerKey`."""
        last = next(iter(deque(self._compiled.finditer(candidate.text), maxlen=1)), None)
        if last is None:
            return None
        found: str | None = last[1] if self._compiled.groups else last[0]
        return (found or "").strip() or None
