"""Owns what happens to a text that is longer than the reward model reads."""

from __future__ import annotations

from dataclasses import dataclass

from bestofn.core.types import Failure
from bestofn.rewards.text.encoder import Encoder
from bestofn.settings.choices import TooLong

TOO_LONG = "too_long_for_reward_model"
EMPTY = "empty_for_reward_model"


@dataclass(frozen=True, slots=True)
class Text:
    """What the model is given.

    Args:
        ids: its tokens.
        cut: how many were left out.
    """

    ids: list[int]
    cut: int = 0


def fitted(ids: list[int], most: int | None, policy: TooLong, encoder: Encoder) -> Text | Failure:
    """The text within `most` tokens (None: no limit), or why it cannot be read."""
    if not ids:
        return Failure(EMPTY, "its text has no tokens")
    if most is None or len(ids) <= most:
        return Text(ids)
    if policy == "error":
        return Failure(
            TOO_LONG, f"the text has {len(ids):,} tokens, the model reads at most {most:,}"
        )
    shorter = encoder.shorten(ids, most, left=policy == "truncate_left")
    return Text(shorter, len(ids) - len(shorter))
