"""Owns how many tokens one forward takes: fewer after running out of memory, more again later."""

from __future__ import annotations

import logging

logger = logging.getLogger(__name__)

PATIENCE = 16
"""Forwards that have to succeed before a larger one is tried again, at first."""

MOST_PATIENCE = 1024
"""And at most, since each fault doubles it: a forward that fails has been paid for."""


class TokenBudget:
    """The tokens of one forward.

    Args:
        most: what it starts with and never exceeds.

    Attributes:
        limit: what it is now.
    """

    def __init__(self, most: int) -> None:
        self.limit = most
        self._most = most
        self._patience = PATIENCE // 2
        self._succeeded = 0

    def shrink(self) -> None:
        """Halve it: a forward ran out of memory."""
        self.limit = max(1, self.limit // 2)
        self._patience = min(2 * self._patience, MOST_PATIENCE)
        self._succeeded = 0
        logger.warning("out of memory: a forward takes %d tokens now", self.limit)

    def succeed(self) -> None:
        """Double it where it was halved and enough forwards have succeeded since."""
        if self.limit == self._most:
            return
        self._succeeded += 1
        if self._succeeded >= self._patience:
            self.limit = min(self._most, 2 * self.limit)
            self._succeeded = 0
            logger.info("a forward takes %d tokens again", self.limit)
