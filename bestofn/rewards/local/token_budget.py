"""Token budget of one forward: fewer after running out of memory, more again later."""

from __future__ import annotations

import logging

import torch

logger = logging.getLogger(__name__)

CPU_BATCH_TOKENS = 2048
"""On a CPU a forward takes no more than this: larger ones fall out of its caches, and out of what
`bestofn.rewards.local.malloc` keeps. Measured on two cores with models of hidden size 200, 512, 896
and 2,048: within 6 % of the best of 256 to 8,192 tokens; 1,024 were up to 7 % slower than 2,048,
3,072 up to 16 %."""

PATIENCE = 16
"""Forwards that have to succeed before a larger one is tried again, at first."""

MAX_PATIENCE = 1024
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

    @classmethod
    def on(cls, device: torch.device, most: int) -> TokenBudget:
        """Of forwards there: a CPU takes `CPU_BATCH_TOKENS` at most."""
        return cls(min(most, CPU_BATCH_TOKENS) if device.type == "cpu" else most)

    def shrink(self) -> None:
        """Halve it: a forward ran out of memory."""
        self.limit = max(1, self.limit // 2)
        self._patience = min(2 * self._patience, MAX_PATIENCE)
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
