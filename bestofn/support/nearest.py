"""The known name that is spelt most like an unknown one, for the end of an error's sentence.

did_you_mean("best_off", ["best_of", "seed"])      "; did you mean best_of?"
did_you_mean("colour", ["best_of", "seed"])        ""
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

CLOSE = 0.6
"""The least similarity of two names for one to be taken for the other: difflib's own default."""


def nearest(name: str, known: Iterable[str], close: float = CLOSE) -> str | None:
    """The name among `known` that is most like `name`, by `difflib.SequenceMatcher.ratio` without
    regard to case; of equal ones the last in difflib's order; None: none is close.

    Args:
        name: as somebody wrote it.
        known: those that there are.
        close: from 0 to 1, the least ratio.
    """
    lower = {each.lower(): each for each in known}
    found = difflib.get_close_matches(name.lower(), lower, n=1, cutoff=close)
    return lower[found[0]] if found else None


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """``; did you mean NAME?`` to be put behind a sentence; '' where no known name is close."""
    near = nearest(name, known)
    return "" if near is None else f"; did you mean {near}?"
