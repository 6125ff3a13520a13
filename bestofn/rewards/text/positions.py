"""Positions of a token sequence at which a reward model is read: the last token, or one a step.

last_token([5, 6, 7])                           (2,)
positions_of(9)([5, 9, 6, 9])                   [1, 3]
positions_before_end([1, 2])([1, 2, 0, 1, 2])   [0, 3]
or_every_token(last_token)(EveryToken([5, 6]))  [0, 1]
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

Positions = Callable[[Sequence[int]], Sequence[int]]
"""Ids of a text to the positions where it is read, ascending; none where it cannot be read."""


class EveryToken(list[int]):
    """The ids of a text that is to be read at every token, wherever its model is read else."""


def or_every_token(positions: Positions) -> Positions:
    """These positions; of an `EveryToken` all."""
    return lambda ids: range(len(ids)) if isinstance(ids, EveryToken) else positions(ids)


def last_token(ids: Sequence[int]) -> Sequence[int]:
    """The one position of an outcome reward. It is known from the length, not searched by pad id: a
    text may end in a token that is also the pad."""
    return (len(ids) - 1,)


def positions_of(token: int) -> Positions:
    """The positions of one token: where a text with marked steps is read."""
    return lambda ids: [at for at, found in enumerate(ids) if found == token]


def positions_before_end(pattern: Sequence[int]) -> Positions:
    """The positions before the last token of each occurrence of `pattern`: where that token is
    predicted."""
    wanted = list(pattern)

    def positions(ids: Sequence[int]) -> Sequence[int]:
        ends = range(len(wanted), len(ids) + 1)
        return [
            end - 2
            for end in ends
            if ids[end - 1] == wanted[-1] and list(ids[end - len(wanted) : end]) == wanted
        ]

    return positions
