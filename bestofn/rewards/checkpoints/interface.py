"""The loader's interface: a `Checkpoint` goes in, a `LoadedModel` comes out, ready to score."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import torch

from bestofn.rewards.checkpoints.tensors import tensor_names
from bestofn.rewards.checkpoints.weights import Placement
from bestofn.rewards.local.readers import Reader
from bestofn.rewards.text.formats import FORMATS, Format, format_named_in, recognised_format
from bestofn.rewards.text.steps import SEPARATOR, check_step_settings
from bestofn.rewards.text.text_spec import TextSpec
from bestofn.settings.choices import Aggregate
from bestofn.settings.rewards import RewardSettings
from bestofn.support.checkpoint import locate, locate_small, read_config


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A folder with a model; make it with `find`.

    Args:
        folder: where it is.
        config: its config.json.
        tensors: the names of its weights; empty where they cannot be read.
        recognised: the family that it is recognised as; None: no rule fits.
        named: the format that the user named.
        placement: device and type.
        settings: what the user says of the model.
    """

    folder: Path
    config: Mapping[str, Any]
    tensors: frozenset[str]
    recognised: Format | None
    named: Format | None
    placement: Placement
    settings: RewardSettings

    @classmethod
    def find(
        cls, model: str, settings: RewardSettings, placement: Placement, *, weights: bool = True
    ) -> Checkpoint:
        """A folder or a model on the hub, downloaded where it is not there yet.

        Args:
            model: folder or hub name.
            settings: what the user says of it.
            placement: device and type.
            weights: whether they are needed, or only config and tokenizer.

        Raises:
            ConfigError: the settings contradict each other, or no format has that name; said
                before anything is downloaded.
            ModelError: it is not there, or its config.json cannot be read.
        """
        named = format_named_in(settings)
        check_step_settings(settings)
        folder = locate(model) if weights else locate_small(model)
        config = read_config(folder)
        tensors = tensor_names(folder)
        recognised = recognised_format(config, tensors)
        return cls(folder, config, tensors, recognised, named, placement, settings)

    @property
    def format(self) -> Format:
        """Its family: named, else recognised, else a sequence classifier."""
        return self.named or self.recognised or FORMATS["chat"]

    @property
    def trust(self) -> bool:
        """Whether code that came with it may run."""
        return self.settings.trust_remote_code

    @property
    def step_separator(self) -> str:
        """What its answers' steps are split at."""
        return self.settings.step_separator or SEPARATOR

    @property
    def aggregate(self) -> Aggregate:
        """What makes one reward of its steps' rewards: the user's, else its authors' choice."""
        aggregate = self.settings.aggregate or self.format.aggregate
        assert aggregate is not None, f"{self.format.name} is no process reward model"
        return aggregate


class ToReward(Protocol):
    """What the head's values mean: the values at a text's positions to its reward."""

    def __call__(self, values: Sequence[float]) -> tuple[float, Mapping[str, float]]:
        """The reward, and its named parts.

        Args:
            values: one for each position, in order; at least one.
        """
        ...


def outcome_reward(values: Sequence[float]) -> tuple[float, Mapping[str, float]]:
    """The one value is the reward."""
    (value,) = values
    return value, {}


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A checkpoint, ready to score.

    Args:
        reader: ids to what the head says.
        device: where it runs.
        spec: how it wants its texts.
        to_reward: what is made of the values at a text's positions.
        format: the family, named or recognised.
    """

    reader: Reader
    device: torch.device
    spec: TextSpec
    to_reward: ToReward = field(default=outcome_reward)
    format: Format = FORMATS["chat"]
