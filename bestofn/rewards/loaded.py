"""Owns what a loader of one family of reward models is given, and what it hands over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import torch

from bestofn.rewards.encoding import Encoder
from bestofn.rewards.formats import FORMATS, Format
from bestofn.rewards.forward import Places, Reader, last_token
from bestofn.rewards.process import StepOptions
from bestofn.rewards.rendering import Arrange
from bestofn.rewards.weights import Placement


@dataclass(frozen=True, slots=True)
class Source:
    """A checkpoint to be loaded.

    Args:
        folder: where it is.
        config: its config.json.
        tensors: the names of its weights; empty where they cannot be read.
        format: its family, named or recognised.
        placement: device and type.
        trust: whether code that came with it may run.
        cache_tokens: see `bestofn.rewards.packed.PackedReader`.
        steps: what the user says about steps.
    """

    folder: Path
    config: Mapping[str, Any]
    tensors: frozenset[str]
    format: Format
    placement: Placement
    trust: bool
    cache_tokens: int
    steps: StepOptions


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
        arrange: what becomes of a conversation before the template; None: nothing.
        format: the family, named or recognised.
    """

    reader: Reader
    device: torch.device
    encoder: Encoder
    special_tokens: Mapping[str, str]
    chat_template: str | None
    max_tokens: int | None
    places: Places = last_token
    verdict: Verdict = field(default=outcome)
    arrange: Arrange | None = None
    format: Format = FORMATS["chat"]
