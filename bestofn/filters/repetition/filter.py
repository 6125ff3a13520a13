"""The filter of repetitive answers: loops, near copies and duplicated text, anywhere in them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bestofn.core.errors import ConfigError
from bestofn.core.types import Candidate, Rejection, Request
from bestofn.filters.repetition.cycles import Cycle, exact_cycles, near_cycles
from bestofn.filters.repetition.duplicates import (
    duplicate_lines,
    duplicate_ngrams,
    duplicate_paragraphs,
)
from bestofn.filters.repetition.segmentation import Mask, Segments, data_mask, segment
from bestofn.support import json_answer

_EXACT = ((4, 16, 6), (5, 14, 6), (3, 0, 24), (2, 0, 60))
"""An exact loop is rejected where it has (copies, tokens, repeated content tokens) of any row.
The content counts words, CJK characters and pictographs after the first copy. Chosen on the tuning
half of benchmarks/filters.py: the least that keeps the clean text (refrains, code, data)."""

_EXACT_IN_JSON = ((12, 0, 40),)
"""As `_EXACT`, for an answer that is a JSON document and parses: equal values in a row are data."""

_NUMBERS = ((5, 24, 3), (8, 32, 2))
"""A loop without words ("3 * 8 = 34. 3 * 8 = 34.") is rejected where it has (copies, tokens,
different numbers) of any row: arrays and matrices of one value are data."""

_EMPTY_LOOP = 200
"""Tokens in a loop without any content ("!!!!", "0, 0, 0") that are too many: the longest rule,
row of dots or array in the tuning half of benchmarks/filters.py has 97."""

_NGRAM = 20
"""Tokens of the n-grams that are counted as duplicates: with Gopher's 10 and fewer, clean lists,
code and Chinese poems reach 0.75 to 0.87 (measured on the tuning half, see `_EXACT`)."""

_SHORT = 60
"""Content tokens below which duplicated shares are not judged: too few to mean anything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RepetitionFilter:
    """Rejects candidates that repeat themselves. Tokens are `segmentation.segment`'s.

    Reasons: ``loop_stopped``, ``exact_loop``, ``near_loop``, ``duplicate_paragraphs``,
    ``duplicate_lines``, ``duplicate_ngrams``. Time: linear in the text times `longest_period`,
    in vectorised operations.

    Args:
        longest_period: tokens of the longest period that is searched for loops; longer ones are
            left to the duplicate shares.
        near_copies: copies that a near loop has at least.
        near_content: content tokens that it repeats at least.
        near_similarity: share of its words and numbers that equals the copy before. Templates
            that are no loops stay below: "the capital of X is Y" repeats 4 words of 6.
        max_duplicate_lines: highest share of characters in lines that stood before.
        max_duplicate_paragraphs: the same for paragraphs.
        max_duplicate_ngrams: highest share of tokens in 20-grams that stood before.

    Raises:
        ConfigError: an option is out of its range.
    """

    longest_period: int = 256
    near_copies: int = 5
    near_content: int = 12
    near_similarity: float = 0.7
    max_duplicate_lines: float = 0.6
    max_duplicate_paragraphs: float = 0.35
    max_duplicate_ngrams: float = 0.75

    def __post_init__(self) -> None:
        for option, least in (("longest_period", 1), ("near_copies", 2), ("near_content", 1)):
            if getattr(self, option) < least:
                raise ConfigError(
                    f"repetition filter: {option} is {getattr(self, option)}; "
                    f"it must be at least {least}"
                )
        for option in ("near_similarity", *(f"max_duplicate_{p}" for p in _SHARES)):
            if not 0 < getattr(self, option) <= 1:
                raise ConfigError(
                    f"repetition filter: {option} is {getattr(self, option)}; "
                    "it must be above 0 and at most 1"
                )

    @property
    def name(self) -> str:
        """The filter's name."""
        return "repetition"

    def check(self, request: Request, candidate: Candidate) -> Rejection | None:
        """The first reason that holds, in the order of the class's list; None to keep it."""
        if candidate.finish_reason == "repetition":
            return self._reject("loop_stopped", "the engine stopped it in a loop during decoding")
        segments = segment(candidate.text)
        if not len(segments):
            return None
        data = json_answer.is_document(candidate.text)
        if loop := self._exact_loop(segments, _EXACT_IN_JSON if data else _EXACT):
            return self._reject("exact_loop", "the " + _describe(segments, loop, loop.copies))
        if data:
            return None
        if loop := self._near_loop(segments):
            times = round(loop.length / loop.period)
            return self._reject("near_loop", "almost the same " + _describe(segments, loop, times))
        return self._duplicates(segments)

    def _exact_loop(
        self, segments: Segments, rules: tuple[tuple[int, int, int], ...]
    ) -> Cycle | None:
        for cycle in exact_cycles(segments.ids, self.longest_period, 2):
            repeated = _repeated(segments.content, cycle)
            if not repeated and cycle.length >= _EMPTY_LOOP:
                return cycle
            if _exceeds(cycle, repeated, rules):
                return cycle
            if rules is _EXACT and _exceeds(cycle, _different_numbers(segments, cycle), _NUMBERS):
                return cycle
        return None

    def _near_loop(self, segments: Segments) -> Cycle | None:
        judged = segments.content | segments.number
        loop = self._nearest(segments, judged)
        if loop is None:
            return None
        # Records look like near copies; search again without them only where something was found.
        rows = data_mask(segments)
        return self._nearest(segments, judged & ~rows) if rows.any() else loop

    def _nearest(self, segments: Segments, judged: Mask) -> Cycle | None:
        for cycle in near_cycles(
            segments.ids, judged, self.longest_period, self.near_copies, self.near_similarity
        ):
            if _repeated(segments.content & judged, cycle) >= self.near_content:
                return cycle
        return None

    def _duplicates(self, segments: Segments) -> Rejection | None:
        if np.count_nonzero(segments.content) < _SHORT:
            return None
        text = segments.text
        for part, measure, highest in (
            ("paragraphs", duplicate_paragraphs, self.max_duplicate_paragraphs),
            ("lines", duplicate_lines, self.max_duplicate_lines),
        ):
            share, example = measure(text)
            if share > highest:
                return self._reject(
                    f"duplicate_{part}",
                    f"{share:.0%} of the text stands in {part} that stood before, "
                    f"most in {_quote(example)}",
                )
        share = duplicate_ngrams(segments.ids, segments.content, _NGRAM)
        if share > self.max_duplicate_ngrams:
            return self._reject(
                "duplicate_ngrams",
                f"{share:.0%} of the text stands in runs of {_NGRAM} tokens that stood before",
            )
        return None

    def _reject(self, reason: str, detail: str) -> Rejection:
        return Rejection(filter=self.name, reason=reason, detail=detail)


_SHARES = ("lines", "paragraphs", "ngrams")


def _repeated(content: Mask, cycle: Cycle) -> int:
    """How many content tokens the copies after the first have."""
    return int(np.count_nonzero(content[cycle.start + cycle.period : cycle.start + cycle.length]))


def _different_numbers(segments: Segments, cycle: Cycle) -> int:
    copy = slice(cycle.start, cycle.start + cycle.period)
    return len(np.unique(segments.ids[copy][segments.number[copy]]))


def _exceeds(cycle: Cycle, weight: int, rules: tuple[tuple[int, int, int], ...]) -> bool:
    """Whether the cycle has the copies, the tokens and the weight of any of the rules."""
    return any(
        cycle.copies >= copies and cycle.length >= tokens and weight >= least
        for copies, tokens, least in rules
    )


def _describe(segments: Segments, cycle: Cycle, times: int) -> str:
    begin, end = segments.span(cycle.start, cycle.start + cycle.period)
    plural = "" if cycle.period == 1 else "s"
    return (
        f"{cycle.period} token{plural} {_quote(segments.text[begin:end])} "
        f"{times} times from character {begin}"
    )


def _quote(text: str) -> str:
    flat = " ".join(text.split())
    return f"'{flat}'" if len(flat) <= 60 else f"'{flat[:59]}…'"
