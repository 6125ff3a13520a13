"""The filter by length: candidates outside given bounds in characters or tokens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from bestofn.core.errors import ConfigError
from bestofn.core.types import Candidate, Rejection, Request
from bestofn.filters.empty import calls_tools


@dataclass(frozen=True, slots=True, kw_only=True)
class LengthFilter:
    """Rejects candidates outside the bounds. Reasons: ``too_short``, ``too_long``.

    A pure tool call is not judged. Tokens are the engine's count, reasoning included; a candidate
    without one is judged by characters only, which the result's notes and the log then say.

    Args:
        min_characters: fewest characters of the stripped text; None: no bound. As the next three.
        max_characters: most characters of the stripped text.
        min_tokens: fewest completion tokens.
        max_tokens: most completion tokens.

    Raises:
        ConfigError: a bound is negative, a lower one exceeds its upper one, or none is given.
    """

    min_characters: int | None = None
    max_characters: int | None = None
    min_tokens: int | None = None
    max_tokens: int | None = None

    def __post_init__(self) -> None:
        bounds = (self.min_characters, self.max_characters, self.min_tokens, self.max_tokens)
        if all(bound is None for bound in bounds):
            raise ConfigError("length filter: no bound is given, so it would reject nothing")
        if any(bound is not None and bound < 0 for bound in bounds):
            raise ConfigError("length filter: a bound is negative")
        for unit, least, most in (("characters", *bounds[:2]), ("tokens", *bounds[2:])):
            if least is not None and most is not None and least > most:
                raise ConfigError(
                    f"length filter: min_{unit} is {least}, above max_{unit}, which is {most}"
                )

    portable: ClassVar[bool] = True

    @property
    def name(self) -> str:
        """The filter's name."""
        return "length"

    def check(self, request: Request, candidate: Candidate) -> Rejection | None:
        """A rejection that names the count and the bound it breaks; characters come first."""
        text = candidate.text.strip()
        if not text and calls_tools(candidate):
            return None
        for count, unit, least, most in (
            (len(text), "characters", self.min_characters, self.max_characters),
            (candidate.completion_tokens, "tokens", self.min_tokens, self.max_tokens),
        ):
            if count is None:
                continue
            if least is not None and count < least:
                return Rejection(self.name, "too_short", f"{count} {unit}, fewer than {least}")
            if most is not None and count > most:
                return Rejection(self.name, "too_long", f"{count} {unit}, more than {most}")
        return None

    def abstains(self, request: Request, candidate: Candidate) -> str | None:
        """That there is no count for the bounds in tokens; see
        `bestofn.core.abstaining.Abstaining`."""
        bounds = {"min_tokens": self.min_tokens, "max_tokens": self.max_tokens}
        given = [name for name, bound in bounds.items() if bound is not None]
        if not given or candidate.completion_tokens is not None:
            return None
        if not candidate.text.strip() and calls_tools(candidate):
            return None
        return (
            f"filter length: {' and '.join(given)} judged nothing where the tokens of a candidate "
            "are not counted; bounds in characters judge everything"
        )
