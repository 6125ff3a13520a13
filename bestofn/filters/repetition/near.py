"""When near copies are a loop, and when the entries of a list, of data or of code."""

from __future__ import annotations

from bestofn.filters.repetition.cycles import Cycle
from bestofn.filters.repetition.exact import repeated_words
from bestofn.filters.repetition.segmentation import Mask
from bestofn.filters.repetition.view import View

_MANY, _OFTEN = 8, 0.7
"""Copies from which a near loop needs only this share of the words that one of few copies needs."""

_NEAR_CERTAIN = (8, 60)
"""(copies, words) from which a near loop is certain: in the read sample the real ones had 8 copies,
or more than 60 repeated words."""

_ENTRY_SIMILARITY = 0.82
"""Share of words that equals the copy before, below which entries of a list, lines of data and of
code are data: the words that differ are what each entry is about."""

_LITANY_SIMILARITY, _LITANY_COPIES = 0.9, 12
"""The same for entries of one short line each, as long as there are fewer than so many."""

_DISTINCT = 0.9
"""Share of the copies that differ from all others, from which they are entries: data says each of
them once. A melody of few notes, note for note, is a suspicion, as all near loops of entries."""

_INLINE_SIMILARITY = 0.75
"""The same for entries within a line of data or code."""

_BROKEN_COPIES = 5
BROKEN_CONTENT = 14
"""Copies, and words repeated, from which near copies are a loop where a copy breaks off within a
bracket or a quotation: no list, table or program repeats half of an entry."""

_ENDLESS = (30, 300)
"""(copies, words) from which entries of prose are a loop, however they differ."""


def near_loop(view: View, cycle: Cycle, judged: Mask, content: float) -> bool | None:
    """Whether the near copies are certainly a loop; None: they are none.

    Args:
        view: of the text.
        cycle: the copies.
        judged: (tokens,) which are compared.
        content: words that a near loop repeats at least.
    """
    words = repeated_words(view.segments, cycle)
    certain = cycle.copies >= _NEAR_CERTAIN[0] and words >= _NEAR_CERTAIN[1]
    if words < min(BROKEN_CONTENT, content) or view.is_free(cycle):
        return None
    if cycle.copies >= _BROKEN_COPIES and view.is_broken(cycle) and not view.is_formula(cycle):
        return certain
    if words < content * (_OFTEN if cycle.copies >= _MANY else 1):
        return None
    structured = view.is_structured(cycle)
    endless = not structured and cycle.copies >= _ENDLESS[0] and words >= _ENDLESS[1]
    if not endless and view.is_formula(cycle):
        return None
    if view.is_sectioned(cycle, judged):
        view.free(cycle)
        return None
    if not endless and (structured or view.lists(cycle)) and _are_entries(view, cycle, judged):
        return None
    entries = structured or view.is_code or view.lists(cycle)
    return endless if entries else certain


def _are_entries(view: View, cycle: Cycle, judged: Mask) -> bool:
    """Whether the copies differ enough, or in their keys, as entries do."""
    least = _ENTRY_SIMILARITY if view.lists(cycle) else _INLINE_SIMILARITY
    if view.lists(cycle) and view.is_short_lines(cycle) and cycle.copies < _LITANY_COPIES:
        least = _LITANY_SIMILARITY
    differ = view.similarity(cycle, judged) < least or view.is_keyed_data(cycle, judged)
    return differ and view.distinct(cycle) >= _DISTINCT
