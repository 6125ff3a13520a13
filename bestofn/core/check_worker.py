"""The process that judges long texts: (filters, request, candidate) in, an outcome a filter out."""

from __future__ import annotations

import os
import pickle
import sys

from bestofn.core.filtering import outcome_of


def main() -> None:
    """Answer what comes on the standard input, until it ends."""
    # What a filter prints goes to standard error, and not between the answers.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    pickle.dump("ready", answers)
    answers.flush()
    while True:
        try:
            filters, request, candidate = pickle.load(sys.stdin.buffer)
        except EOFError:
            return
        pickle.dump("loaded", answers)
        answers.flush()
        for each in filters:
            pickle.dump(outcome_of(each, request, candidate), answers)
            answers.flush()


if __name__ == "__main__":
    main()
