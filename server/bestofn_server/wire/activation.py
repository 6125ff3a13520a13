"""Numbers between 0 and 1 that are made of a reward, for who expects them there.

relevance(0.0)      0.5
relevance(3.0)      0.875
sigmoid(3.0)        0.952...
"""

from __future__ import annotations

import math


def relevance(reward: float) -> float:
    """``(1 + reward / (1 + |reward|)) / 2``: within 0 and 1, 0.5 at 0, and higher where the reward
    is higher.

    Cohere and Jina promise such a number. It is the softsign (Bergstra et al. 2009), since a
    sigmoid makes the same number of 37 and of 40 (of 17 and of 18 in float32): this one tells
    rewards apart up to 10^7.
    """
    return (1 + reward / (1 + abs(reward))) / 2


def sigmoid(reward: float) -> float:
    """``1 / (1 + exp(-reward))``: vLLM's `use_activation`. Above 36 all rewards become 1."""
    if reward >= 0:
        return 1 / (1 + math.exp(-reward))
    return math.exp(reward) / (1 + math.exp(reward))
