"""Loops that only count: "144. Bexley", "145. Bexley"; column328, column329."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from bestofn.filters.repetition.cycles import Cycle, exact_cycles
from bestofn.filters.repetition.segmentation import Segments, token_texts
from bestofn.filters.repetition.view import View

_DIGITS = re.compile(r"\d+")

COUNTED, _COUNTED_DATA, _COUNTED_WORDS = 8, 40, 16
"""Copies that a counting loop has at least, in prose and in data, code or units of one word; and
words that it says in all."""

LONGEST = 48
"""Tokens of the longest unit that is looked for; near loops cover the others."""


def counting_loop(view: View) -> tuple[Cycle, bool] | None:
    """(the first counting loop that is a fault, True: it is certain); None: there is none. Of an
    unfinished text, one that is a fault in data and code, too."""
    segments = view.segments
    for cycle in counting_cycles(segments, COUNTED):
        words = float(segments.weight[cycle.start : cycle.start + cycle.period].sum())
        structured = view.is_code or view.is_structured(cycle)
        held = not view.is_broken(cycle) and (
            words < 2 or view.is_formula(cycle) or (structured and view.lists(cycle))
        )
        held = held or view.unfinished
        enough = cycle.copies >= (_COUNTED_DATA if held else COUNTED)
        if not enough or words < 1 or words * cycle.copies < _COUNTED_WORDS:
            continue
        if not view.is_free(cycle) and not view.is_asked_for(cycle, data=True):
            return cycle, True
    return None


def counting_cycles(segments: Segments, copies: int) -> Iterator[Cycle]:
    """Stretches of at least `copies` copies that are equal but for numbers, where the numbers that
    change go up (or down) by one from copy to copy, all alike: a table of products does not."""
    tokens = token_texts(segments)
    if sum(token[-1].isdecimal() or token[0].isdecimal() for token in tokens) < copies:
        return
    numbers = np.full(len(tokens), -1, dtype=np.int64)
    vocabulary: dict[str, int] = {}
    ids = np.zeros(len(tokens), dtype=np.int32)
    for place, token in enumerate(tokens):
        if token[-1].isdecimal() or token[0].isdecimal():
            runs = _DIGITS.findall(token)
            numbers[place] = int(runs[-1]) if len(runs) == 1 and len(runs[-1]) < 16 else -2
            token = _DIGITS.sub("0", token)
        ids[place] = vocabulary.setdefault(token, len(vocabulary))
    if np.count_nonzero(numbers >= 0) < copies:
        return
    for cycle in exact_cycles(ids, LONGEST, copies):
        if _counts(numbers, cycle):
            yield cycle


def _counts(numbers: npt.NDArray[np.int64], cycle: Cycle) -> bool:
    """Whether some number changes, and all that do so go by one in the same direction."""
    whole = cycle.copies * cycle.period
    table = numbers[cycle.start : cycle.start + whole].reshape(cycle.copies, cycle.period)
    steps = np.diff(table, axis=0)
    changing = np.any(steps != 0, axis=0)
    if not changing.any() or np.any(table[:, changing] == -2):
        return False
    # A counter may be read wrong once, where the loop's edge is not the list's.
    moved = steps[:, changing]
    return bool(np.mean(moved == 1) >= 0.95 or np.mean(moved == -1) >= 0.95)
