"""The process that judges long texts: (request and candidate, filter, ...) in, an outcome a filter
out; see `bestofn.core.check_process`."""

from __future__ import annotations

import os
import pickle
import sys
from typing import Any

from bestofn.core.outcome import outcome_of

LONGEST_FAULT = 240
"""Characters that are told of why something cannot be loaded."""


def main() -> None:
    """Answer what comes on the standard input, until it ends."""
    # What a filter prints goes to standard error, and not between the answers.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    pickle.dump("ready", answers)
    answers.flush()
    while True:
        try:
            asked, *filters = pickle.load(sys.stdin.buffer)
        except EOFError:
            return
        (shown, *loaded), faults = zip(*map(_loaded, (asked, *filters)), strict=True)
        pickle.dump(faults, answers)
        answers.flush()
        if faults[0] is not None:
            continue
        for each, fault in zip(loaded, faults[1:], strict=True):
            if fault is None:
                pickle.dump(outcome_of(each, *shown), answers)
                answers.flush()


def _loaded(data: bytes) -> tuple[Any, str | None]:
    """(the object, None), or (None, why it cannot be loaded here): its module may be a script that
    only the parent runs, or one that this process does not find."""
    try:
        return pickle.loads(data), None
    except (Exception, SystemExit) as error:  # what is imported for it may end the process, too
        return None, f"{type(error).__name__}: {error}"[:LONGEST_FAULT]


if __name__ == "__main__":
    main()
