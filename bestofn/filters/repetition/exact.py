"""How many copies, tokens and words of exact copies are a loop."""

from __future__ import annotations

import numpy as np

from bestofn.filters.repetition.cycles import Cycle
from bestofn.filters.repetition.segmentation import Segments
from bestofn.filters.repetition.view import View

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

_DRAWING = 1000
"""As `_EMPTY_LOOP` where the loop goes over lines, as drawings, boards and tables do."""


def is_exact_loop(view: View, cycle: Cycle, *, data: bool) -> bool:
    """Whether the copies are so many, and say so much, that they are a loop.

    Args:
        view: of the text.
        cycle: the copies.
        data: whether the text is a JSON document.
    """
    rules = _EXACT_IN_JSON if data else _EXACT
    segments = view.segments
    repeated = repeated_content(segments, cycle)
    drawn = view.unfinished or view.spans_lines(cycle)
    if not repeated and cycle.length >= (_DRAWING if drawn else _EMPTY_LOOP):
        return True
    if repeated and _exceeds(cycle, repeated, rules):
        return True
    return not data and _exceeds(cycle, _different_numbers(segments, cycle), _NUMBERS)


def repeated_content(segments: Segments, cycle: Cycle) -> int:
    """How many content tokens the copies after the first have."""
    return int(
        np.count_nonzero(segments.content[cycle.start + cycle.period : cycle.start + cycle.length])
    )


def repeated_words(segments: Segments, cycle: Cycle) -> float:
    """How many words the copies after the first have."""
    return float(segments.weight[cycle.start + cycle.period : cycle.start + cycle.length].sum())


def _different_numbers(segments: Segments, cycle: Cycle) -> int:
    copy = slice(cycle.start, cycle.start + cycle.period)
    return len(np.unique(segments.ids[copy][segments.number[copy]]))


def _exceeds(cycle: Cycle, weight: int, rules: tuple[tuple[int, int, int], ...]) -> bool:
    """Whether the cycle has the copies, the tokens and the weight of any of the rules."""
    return any(
        cycle.copies >= copies and cycle.length >= tokens and weight >= least
        for copies, tokens, least in rules
    )
