"""Fit a text into what a reward model reads: whole, truncated left or right, or a failure."""

from __future__ import annotations

from dataclasses import dataclass

from bestofn.core.types import Failure
from bestofn.rewards.text.encoder import Encoder
from bestofn.settings.choices import TooLong

TOO_LONG = "too_long_for_reward_model"
EMPTY = "empty_for_reward_model"


@dataclass(frozen=True, slots=True)
class EncodedText:
    """What the model is given.

    Args:
        ids: its tokens.
        cut: how many were left out.
    """

    ids: list[int]
    cut: int = 0


def fit(
    ids: list[int], most: int | None, policy: TooLong, encoder: Encoder
) -> EncodedText | Failure:
    """The text within `most` tokens (None: no limit), or why it cannot be read."""
    if not ids:
        return Failure(EMPTY, "its text has no tokens")
    if most is None or len(ids) <= most:
        return EncodedText(ids)
    if policy == "error":
        return Failure(
            TOO_LONG, f"the text has {len(ids):,} tokens, the model reads at most {most:,}"
        )
    shorter = encoder.shorten(ids, most, left=policy == "truncate_left")
    return EncodedText(shorter, len(ids) - len(shorter))
