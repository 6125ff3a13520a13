"""From models' names to a plan of memory: headers and configs are read, never weights."""

from __future__ import annotations

from collections.abc import Sequence

from bestofn.core.errors import ConfigError
from bestofn.gpu_memory.checkpoint_size import weight_sizes
from bestofn.gpu_memory.model_shape import shape_of
from bestofn.gpu_memory.planner import Card, GeneratorSize, Plan, RewardModelSize
from bestofn.settings.rewards import RewardSettings
from bestofn.support.checkpoint import config_of

ITEMS = {"float32": 4, "float": 4}
"""Bytes of a number of these types; of all others two, `auto` on a GPU included."""


def plan_for(
    model: str,
    rewards: Sequence[tuple[str, RewardSettings]],
    card: Card,
    *,
    best_of: int,
    response_tokens: int,
    max_model_len: int | None = None,
    dtype: str = "auto",
    fp8_cache: bool = False,
) -> Plan:
    """The plan of a generator and reward models on one card; it need not fit.

    Args:
        model: the generator, a folder or a hub name.
        rewards: names and settings of what scores in this process.
        card: the card.
        best_of: candidates of one prompt that are to run at once.
        response_tokens: of each of them, at most.
        max_model_len: tokens of prompt and response; None: what fits.
        dtype: of the generator.
        fp8_cache: whether its cache holds numbers of eight bits.

    Raises:
        ConfigError: `max_model_len` is more than the generator takes.
        ModelError: a model cannot be found, or does not say how large it is.
    """
    item = ITEMS.get(dtype, 2)
    shape = shape_of(config_of(model), model)
    generator = GeneratorSize(
        model,
        weight_sizes(model),
        shape,
        item,
        1 if fp8_cache else item,
    )
    own = generator.shape.context
    if max_model_len is not None and own is not None and max_model_len > own:
        raise ConfigError(
            f"max_model_len is {max_model_len:,}, and {model} takes {own:,} tokens at most"
        )
    reward_models = [_reward_model(name, settings) for name, settings in rewards]
    return Plan(card, generator, reward_models, best_of, response_tokens, max_model_len)


def _reward_model(name: str, settings: RewardSettings) -> RewardModelSize:
    shape = shape_of(config_of(name), name)
    return RewardModelSize(
        name,
        weight_sizes(name),
        shape,
        ITEMS.get(settings.dtype, 2),
        settings.quantization,
        settings.max_batch_tokens,
        settings.cache_tokens,
    )
