"""Owns what a loader of one family of reward models is given, and what it hands over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import torch

from bestofn.rewards.checkpoints.weights import Placement
from bestofn.rewards.local.readers import Reader
from bestofn.rewards.text.formats import FORMATS, Format
from bestofn.rewards.text.steps import StepOptions
from bestofn.rewards.text.text_spec import Written


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
        cache_tokens: see `bestofn.rewards.local.packed_reader.PackedReader`.
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
        written: how it wants its texts.
        verdict: what is made of the values at a text's places.
        format: the family, named or recognised.
    """

    reader: Reader
    device: torch.device
    written: Written
    verdict: Verdict = field(default=outcome)
    format: Format = FORMATS["chat"]
