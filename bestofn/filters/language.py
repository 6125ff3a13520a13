"""The filter of wrong languages: answers in another language than the prompt or a list names."""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from bestofn.core.errors import ConfigError
from bestofn.core.types import Candidate, Rejection, Request
from bestofn.filters.markdown import outline

_NO_PROSE = re.compile(r"`[^`\n]*`|\w+://\S+|\S+@\S+\.\w+|\$[^$\n]*\$|<[^<>\n]{1,80}>|\x00")
"""Inline code, addresses, formulas and tags, which belong to no language."""

_WIDE = re.compile(r"[぀-ヿ㐀-䶿一-鿿가-힯]")
_LETTER = re.compile(r"[^\W\d_]")

_MIXED = 0.2
"""A text in which CJK characters and alphabets both have more than this share is mixed."""

_JUDGED = 1000
"""Characters that are looked at: lingua needs one sentence, and its time grows with the text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LanguageFilter:
    """Rejects answers in the wrong language. Reason: ``wrong_language``.

    Code, addresses and formulas are left out. Text with few letters, or in which no language is
    clearly ahead (mixed text, quotations), is not judged; neither is an answer to a prompt that
    cannot be judged, unless `allowed` is given. The newest user message is the prompt.

    Args:
        allowed: ISO 639-1 codes ("en", "zh") of the languages that answers may have; empty: that
            of the prompt.
        min_letters: letters a text needs to be judged; a CJK character counts as three.
        min_confidence: how sure lingua has to be of the most likely language, above 0.5 to 1.

    Raises:
        ConfigError: a code is unknown, or a number is out of its range.
    """

    allowed: str | Sequence[str] = ()
    min_letters: int = 60
    min_confidence: float = 0.9
    _codes: frozenset[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        codes = (self.allowed,) if isinstance(self.allowed, str) else tuple(self.allowed)
        if not 0.5 < self.min_confidence <= 1:
            raise ConfigError(
                f"language filter: min_confidence is {self.min_confidence}; "
                "it must be above 0.5 and at most 1"
            )
        if self.min_letters < 1:
            raise ConfigError(f"language filter: min_letters is {self.min_letters}, below 1")
        # Loads the models (about a second) now, rather than on the event loop later.
        _detector().compute_language_confidence_values("one short sentence, 一句话")
        object.__setattr__(self, "_codes", frozenset(code.lower() for code in codes))
        if unknown := sorted(self._codes - _known_codes()):
            raise ConfigError(
                f"language filter: {', '.join(unknown)}: no language that lingua knows "
                "by an ISO 639-1 code"
            )

    @property
    def name(self) -> str:
        """The filter's name."""
        return "language"

    def check(self, request: Request, candidate: Candidate) -> Rejection | None:
        """A rejection that names both languages."""
        found = self._language(candidate.text)
        if found is None:
            return None
        wanted = self._codes
        if not wanted:
            prompt = self._language(request.last_user_text)
            if prompt is None:
                return None
            wanted = frozenset({prompt})
        if found in wanted:
            return None
        return Rejection(
            self.name,
            "wrong_language",
            f"the answer's language is {found!r}, not {' or '.join(map(repr, sorted(wanted)))}",
        )

    def _language(self, text: str) -> str | None:
        """The ISO 639-1 code of the text's language; None where it cannot be told."""
        prose = _NO_PROSE.sub(" ", outline(text).prose)[:_JUDGED]
        wide, letters = len(_WIDE.findall(prose)), len(_LETTER.findall(prose))
        if letters + 2 * wide < self.min_letters:
            return None
        # Three letters of an alphabet weigh as much as one CJK character.
        share = 3 * wide / (letters + 2 * wide)
        if _MIXED < share < 1 - _MIXED:
            return None
        ranked = _detector().compute_language_confidence_values(prose)
        if not ranked or ranked[0].value < self.min_confidence:
            return None
        return str(ranked[0].language.iso_code_639_1.name).lower()


@functools.cache
def _detector() -> Any:
    """lingua's detector of all its languages; each language's model loads when it is needed.

    Low accuracy mode: it uses trigrams only, which suffice from about 120 characters on (lingua's
    README), and the process takes 87 MB instead of 913 MB (measured). On the tuning texts of
    benchmarks/filters.py it names a wrong language for about one in a hundred.
    """
    from lingua import LanguageDetectorBuilder

    return LanguageDetectorBuilder.from_all_languages().with_low_accuracy_mode().build()


@functools.cache
def _known_codes() -> frozenset[str]:
    from lingua import Language

    return frozenset(language.iso_code_639_1.name.lower() for language in Language.all())
