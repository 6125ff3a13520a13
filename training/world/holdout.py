"""The held-out split: which prompts training never sees."""

from __future__ import annotations

import hashlib

ONE_IN = 10
"""A tenth of all prompts is held out."""


def is_held_out(prompt: str) -> bool:
    """Whether `prompt` belongs to the held-out part: by a hash of its text, so it never moves."""
    digest = hashlib.sha256(prompt.encode()).digest()
    return int.from_bytes(digest[:4], "big") % ONE_IN == 0
