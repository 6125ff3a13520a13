"""Owns what a loader of one family of reward models hands over; the rest is shared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import torch

from bestofn.rewards.encoding import Encoder
from bestofn.rewards.forward import Places, Reader, last_token


class Verdict(Protocol):
    """What a model's values mean."""

    def __call__(self, values: Sequence[float]) -> tuple[float, Mapping[str, float]]:
        """The reward that the values at a text's places make, and its named parts.

        Args:
            values: one for each place, in order; at least one.
        """
        ...


def outcome(values: Sequence[float]) -> tuple[float, Mapping[str, float]]:
    """The one value is the reward."""
    (value,) = values
    return value, {}


@dataclass(frozen=True, slots=True)
class Loaded:
    """A checkpoint, ready to score.

    Args:
        reader: ids to what the head says.
        device: where it runs.
        encoder: texts to ids.
        special_tokens: what templates may write (`bos_token`, `eos_token`, ...), as text.
        chat_template: the tokenizer's own; None: it has none.
        max_tokens: the longest text in tokens; None: no limit is known.
        places: where a text is read; a text without any is a failure.
        verdict: what is made of the values there.
    """

    reader: Reader
    device: torch.device
    encoder: Encoder
    special_tokens: Mapping[str, str]
    chat_template: str | None
    max_tokens: int | None
    places: Places = last_token
    verdict: Verdict = field(default=outcome)
