"""The filter of repetitive answers: loops, near copies and duplicated text, anywhere in them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from bestofn.core.errors import ConfigError
from bestofn.core.types import Candidate, Rejection, Request
from bestofn.filters.repetition.asked import READ
from bestofn.filters.repetition.counting import COUNTED, counting_loop
from bestofn.filters.repetition.cycles import Cycle, exact_cycles, near_cycles
from bestofn.filters.repetition.duplicates import (
    duplicate_lines,
    duplicate_ngrams,
    duplicate_paragraphs,
)
from bestofn.filters.repetition.exact import is_exact_loop, repeated_content
from bestofn.filters.repetition.floods import KINDS, few_words, white_space
from bestofn.filters.repetition.near import BROKEN_CONTENT, near_loop
from bestofn.filters.repetition.segmentation import (
    Segments,
    address_mask,
    hardly_compresses,
    hardly_repeats,
    segment,
)
from bestofn.filters.repetition.view import View
from bestofn.filters.tool_arguments import argument_texts
from bestofn.support import json_answer

_NGRAM = 20
"""Tokens of the n-grams that are counted as duplicates: with Gopher's 10 and fewer, clean lists,
code and Chinese poems reach 0.75 to 0.87 (measured on the tuning half, see `_EXACT`)."""

_SHORT = 60
"""Content tokens below which duplicated shares are not judged: too few to mean anything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RepetitionFilter:
    """Rejects candidates that repeat themselves. Tokens are `segmentation.segment`'s.

    Reasons: ``loop_stopped``, ``whitespace_flood``, ``exact_loop``, ``counting_loop``,
    ``near_loop``, ``few_words``, ``duplicate_paragraphs``, ``duplicate_lines``,
    ``duplicate_ngrams``. The arguments of tool calls are read too. Like entries of lists, tables,
    code and data are data, and so is what the prompt asked to repeat. Near loops of few copies or
    words, and duplicated shares, are suspicions. Time: linear in the text times `longest_period`,
    in vectorised operations.

    An unfinished candidate (no finish reason) is rejected for certain only where the finished one
    would be, whatever follows: a text that begins as JSON may come to parse, a short loop may turn
    out a refrain, more copies may come to what the prompt asked for.

    Args:
        longest_period: tokens of the longest period that is searched for loops; longer ones are
            left to the duplicate shares.
        near_copies: copies that a near loop has at least.
        near_content: words that it repeats at least (`segmentation.CJK_WEIGHT` of a character).
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
    near_content: int = 26
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

    portable: ClassVar[bool] = True
    foresees: ClassVar[bool] = True

    @property
    def name(self) -> str:
        """The filter's name."""
        return "repetition"

    def check(self, request: Request, candidate: Candidate) -> Rejection | None:
        """The first reason that holds, in the order of the class's list; None to keep it."""
        if candidate.finish_reason == "repetition":
            return self._reject("loop_stopped", "the engine stopped it in a loop during decoding")
        unfinished = candidate.finish_reason is None
        if found := self._judge(request, candidate.text, unfinished=unfinished):
            return found
        for text in argument_texts(candidate):
            if found := self._judge(request, text, unfinished=unfinished):
                return replace(found, span=None)  # it is in no place of the text
        return None

    def _judge(self, request: Request, text: str, *, unfinished: bool) -> Rejection | None:
        if unfinished and hardly_compresses(text):
            return None
        if flood := white_space(text):
            start, length = flood
            detail = f"{length} characters of white space from {start} on"
            return self._reject("whitespace_flood", detail, span=(start, start + length))
        if hardly_repeats(text, self._fewest) or not len(segments := segment(text)):
            return None
        data = json_answer.may_begin(text) if unfinished else json_answer.is_document(text)
        view = View(segments, request.last_user_text, unfinished=unfinished)
        if loop := self._exact_loop(view, data=data):
            detail = "the " + _describe(segments, loop, loop.copies)
            return self._reject("exact_loop", detail, span=_place(segments, loop))
        if data:
            return None
        if found := counting_loop(view) or self._near_loop(view):
            loop, certain = found
            times = round(loop.length / loop.period)
            detail = "almost the same " + _describe(segments, loop, times)
            return self._reject("near_loop", detail, certain=certain, span=_place(segments, loop))
        if few := few_words(segments, ~view.data & ~view.code):
            begin, end = segments.span(*few)
            detail = f"only {KINDS} words or fewer in {_quote(text[begin:end])} and so on"
            return self._reject("few_words", detail, span=(begin, end))
        return None if unfinished else self._duplicates(view)  # shares fall as more follows

    @property
    def _fewest(self) -> int:
        """Tokens that stood before, which every rule wants of a short text."""
        return min(COUNTED - 1, int(self.near_similarity * self.near_content))

    def _exact_loop(self, view: View, *, data: bool) -> Cycle | None:
        segments = view.segments
        for cycle in exact_cycles(segments.ids, self.longest_period, 2):
            if not is_exact_loop(view, cycle, data=data):
                continue
            if view.is_free(cycle):
                continue
            repeated = repeated_content(segments, cycle)
            harmless = not data and (
                view.is_literal(cycle)
                or view.is_refrain(cycle, repeated)
                or view.is_filler(cycle)
                or view.is_stub(cycle)
            )
            if harmless or view.is_asked_for(cycle, data=data):
                view.free(cycle)
                continue
            return cycle
        return None

    def _near_loop(self, view: View) -> tuple[Cycle, bool] | None:
        segments = view.segments
        judged = segments.content | segments.number
        least = self.near_similarity * min(BROKEN_CONTENT, self.near_content)
        for cycle in near_cycles(
            segments.ids,
            judged,
            self.longest_period,
            self.near_copies,
            self.near_similarity,
            least,  # a token weighs one word at most
        ):
            certain = near_loop(view, cycle, judged, self.near_content)
            if certain is not None:
                return cycle, certain
        return None

    def _duplicates(self, view: View) -> Rejection | None:
        segments = view.segments
        if np.count_nonzero(segments.content) < _SHORT:
            return None
        text = segments.text
        if view.mostly_free or json_answer.is_document("[" + text.strip().replace("\n", ",") + "]"):
            return None  # lines of JSON
        for part, measure, highest in (
            ("paragraphs", duplicate_paragraphs, self.max_duplicate_paragraphs),
            ("lines", duplicate_lines, self.max_duplicate_lines),
        ):
            share, example = measure(text, view.prompt[:READ], code=view.is_code)
            if share > highest:
                return self._reject(
                    f"duplicate_{part}",
                    f"{share:.0%} of the text stands in {part} that stood before, "
                    f"most in {_quote(example)}",
                    certain=False,
                )
        # The addresses of a site all begin alike.
        said = segments.content & ~address_mask(segments)
        share = duplicate_ngrams(segments.ids, said, _NGRAM)
        if share > self.max_duplicate_ngrams:
            return self._reject(
                "duplicate_ngrams",
                f"{share:.0%} of the text stands in runs of {_NGRAM} tokens that stood before",
                certain=False,
            )
        return None

    def _reject(
        self,
        reason: str,
        detail: str,
        *,
        certain: bool = True,
        span: tuple[int, int] | None = None,
    ) -> Rejection:
        return Rejection(self.name, reason, detail, certain, span)


_SHARES = ("lines", "paragraphs", "ngrams")


def _place(segments: Segments, cycle: Cycle) -> tuple[int, int]:
    """The characters of all copies."""
    return segments.span(cycle.start, cycle.start + cycle.length)


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
