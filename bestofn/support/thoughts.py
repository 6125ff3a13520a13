"""A reasoning model's thoughts in a text: what stands before the last ``</think>``."""

from __future__ import annotations


def without_thoughts(text: str) -> str:
    """What follows the last ``</think>`` (all, where there is none), stripped: a server without a
    reasoning parser leaves a model's thoughts in the answer."""
    return text.rpartition("</think>")[2].strip()
