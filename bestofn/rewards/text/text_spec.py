"""`TextSpec`: how a checkpoint wants its texts (encoder, chat template, limit, positions)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bestofn.rewards.text.encoder import Encoder
from bestofn.rewards.text.positions import Positions, last_token
from bestofn.rewards.text.renderer import Arrange


@dataclass(frozen=True, slots=True)
class TextSpec:
    """How a checkpoint wants its texts.

    Args:
        encoder: texts to ids.
        special_tokens: what templates may write (`bos_token`, `eos_token`, ...), as text.
        chat_template: the tokenizer's own; None: it has none.
        max_tokens: the longest text in tokens; None: no limit is known.
        positions: where a text is read; a text without any is a failure.
        arrange: what becomes of a conversation before the template; None: nothing.
        vocabulary: ids that the model has an embedding for, from 0; None: not known.
    """

    encoder: Encoder
    special_tokens: Mapping[str, str]
    chat_template: str | None
    max_tokens: int | None
    positions: Positions = last_token
    arrange: Arrange | None = None
    vocabulary: int | None = None
