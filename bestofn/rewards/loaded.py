"""Owns what a loader of one family of reward models hands over; the rest is shared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bestofn.rewards.encoding import Encoder
from bestofn.rewards.forward import Reader


@dataclass(frozen=True, slots=True)
class Loaded:
    """A checkpoint, ready to score.

    Args:
        reader: ids to rewards.
        encoder: texts to ids.
        special_tokens: what templates may write (`bos_token`, `eos_token`, ...), as text.
        chat_template: the tokenizer's own; None: it has none.
        max_tokens: the longest text in tokens; None: no limit is known.
    """

    reader: Reader
    encoder: Encoder
    special_tokens: Mapping[str, str]
    chat_template: str | None
    max_tokens: int | None
