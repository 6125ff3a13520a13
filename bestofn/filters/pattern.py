"""The filter by pattern: regular expressions that must, or must not, be found in the text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from bestofn.core.errors import ConfigError
from bestofn.core.types import Candidate, Rejection, Request
from bestofn.filters.empty import calls_tools


@dataclass(frozen=True, slots=True, kw_only=True)
class PatternFilter:
    """Rejects by Python regular expressions, searched anywhere. Reasons: ``pattern_missing``,
    ``pattern_forbidden``.

    A pure tool call is not judged. The patterns are the operator's: one that backtracks without
    bound blocks the event loop, so anchor them.

    Args:
        must_match: each has to be found in the text; one pattern or several.
        must_not_match: none may be found in the text; one pattern or several.
        ignore_case: whether letters match in either case.

    Raises:
        ConfigError: no pattern is given, or one is no regular expression.
    """

    must_match: str | Sequence[str] = ()
    must_not_match: str | Sequence[str] = ()
    ignore_case: bool = False
    _required: tuple[re.Pattern[str], ...] = field(init=False, repr=False, compare=False)
    _forbidden: tuple[re.Pattern[str], ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_required", self._compile(self.must_match))
        object.__setattr__(self, "_forbidden", self._compile(self.must_not_match))
        if not self._required and not self._forbidden:
            raise ConfigError("pattern filter: give must_match or must_not_match")

    def _compile(self, patterns: str | Sequence[str]) -> tuple[re.Pattern[str], ...]:
        flags = re.IGNORECASE if self.ignore_case else re.NOFLAG
        compiled = []
        for pattern in (patterns,) if isinstance(patterns, str) else patterns:
            try:
                compiled.append(re.compile(pattern, flags))
            except (re.error, TypeError) as error:
                raise ConfigError(
                    f"pattern filter: {pattern!r} is no regular expression: {error}"
                ) from error
        return tuple(compiled)

    portable: ClassVar[bool] = True

    @property
    def name(self) -> str:
        """The filter's name."""
        return "pattern"

    def check(self, request: Request, candidate: Candidate) -> Rejection | None:
        """A rejection that names the first pattern that decides; the required ones come first."""
        text = candidate.text
        if not text and calls_tools(candidate):
            return None
        for pattern in self._required:
            if not pattern.search(text):
                return Rejection(
                    self.name, "pattern_missing", f"nothing in it matches /{pattern.pattern}/"
                )
        for pattern in self._forbidden:
            if found := pattern.search(text):
                return Rejection(
                    self.name,
                    "pattern_forbidden",
                    f"/{pattern.pattern}/ matches at character {found.start()}",
                )
        return None
