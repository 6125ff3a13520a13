"""vLLM's share of memory beside the reward models of this process, and on a CPU its cache."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping, Sequence

from bestofn.builders.reward_plan import PlannedReward, RewardPlan
from bestofn.core.errors import ConfigError, ModelError
from bestofn.gpu_memory.advice import refusal, size
from bestofn.gpu_memory.checkpoint_size import weight_sizes
from bestofn.gpu_memory.from_models import ITEMS, plan_for
from bestofn.gpu_memory.gpu import detected_card
from bestofn.gpu_memory.model_shape import shape_of
from bestofn.gpu_memory.planner import Card, Plan
from bestofn.settings.settings import Settings
from bestofn.support.checkpoint import config_of
from bestofn.support.flags import flag_name
from bestofn.vllm_engine import engine as vllm_engine
from bestofn.vllm_engine.arguments import memory_options

logger = logging.getLogger(__name__)

OWN_SHARE = ("--gpu-memory-utilization", "--kv-cache-memory-bytes")
"""Flags with which the user has decided."""

ACTIVATIONS = 0.1
"""Part of the card that is left for the reward model where nothing can be planned."""

VISIBLE = "CUDA_VISIBLE_DEVICES"
"""The variable that says which GPUs a process sees."""

CPU_SHARE = 0.5
"""Part of the free memory that vLLM gets on a CPU: the rest is for the other programs, too.

vLLM's own default, 0.92 of all the memory, is refused by vLLM wherever a twelfth is in use."""

CPU_SEQUENCES = 128
"""Sequences that vLLM runs at once on a CPU (vllm/engine/arg_utils.py, `get_batch_defaults`,
0.32)."""

CPU_BLOCK = 128
"""Tokens of one block of its cache there (vllm/platforms/cpu.py): the last one is rarely full."""


def planned_flags(settings: Settings, model: str, rewards: RewardPlan) -> list[str] | None:
    """vLLM's flags for its share; to be asked before anything is loaded.

    Args:
        settings: name N and vLLM's other flags.
        model: what vLLM is to run.
        rewards: what is to score beside it.

    Returns:
        The flags: none where the user has decided. None: nothing can be
        planned, and the log says why.

    Raises:
        ConfigError: the models do not fit beside each other; it says what would.
    """
    if any(flag_name(flag) in OWN_SHARE for flag in settings.engine_args):
        return []
    card = detected_card()
    if card is None:
        return _cpu_flags(settings, model)
    if beside := _engines_beside(rewards):
        _refuse_whole_card(beside)
        logger.info("GPU memory is not planned: %s is in an engine too", beside[0].title)
        return None
    try:
        plan = _plan(settings, model, rewards, card)
    except ModelError as error:
        logger.warning("GPU memory cannot be planned: %s", error)
        return None
    if plan is None:
        logger.info("GPU memory is not planned: the engine spreads over several GPUs")
        return None
    if not plan.fits:
        raise ConfigError(
            f"{refusal(plan)}. To let vLLM try: --gpu-memory-utilization among its flags"
        )
    logger.info(
        "GPU memory: %s of KV cache for %s tokens, context %s, at once %s candidates of a prompt",
        size(plan.kv_bytes),
        f"{plan.kv_tokens:,}",
        f"{plan.context:,}",
        plan.candidates_of_one_prompt,
    )
    return plan.engine_flags()


def _engines_beside(rewards: RewardPlan) -> Sequence[PlannedReward]:
    """Reward models in engines of their own on the generator's GPU, the first that is visible:
    those that are not sent to another one."""
    return [reward for reward in rewards.engines if not _is_elsewhere(reward)]


def _is_elsewhere(reward: PlannedReward) -> bool:
    """Whether its engine is given a GPU that this process does not begin with. Variables that are
    set already stay as they are (`bestofn.rewards.vllm`)."""
    environment = reward.options.get("environment")
    if not isinstance(environment, Mapping) or VISIBLE in os.environ:
        return False
    return str(environment.get(VISIBLE, "0")).partition(",")[0].strip() != "0"


def _refuse_whole_card(engines: Sequence[PlannedReward]) -> None:
    """Refuse an engine that would take vLLM's default share, most of the card, where another is to
    start beside it.

    Raises:
        ConfigError: there is one.
    """
    for reward in engines:
        given = reward.options.get("engine_args") or ()
        flags = [given] if isinstance(given, str) else given
        if not any(flag_name(str(flag)) in OWN_SHARE for flag in flags):
            raise ConfigError(
                f"{reward.where}: its engine would take nearly all of the GPU that the generator "
                'needs too: give it engine_args: ["--gpu-memory-utilization=0.3"], or another GPU '
                f'by environment: {{{VISIBLE}: "1"}}'
            )


def left_flags(rewards: RewardPlan) -> list[str]:
    """vLLM's flags for what is left beside reward models that are loaded already.

    vLLM asks for a share of the whole card and refuses to start where less is free, so its default
    cannot be met beside another model.
    """
    card = detected_card()
    if card is None or not (rewards.local_models or _engines_beside(rewards)):
        return []
    share = max(0.05, card.free / card.total - ACTIVATIONS)
    return [f"--gpu-memory-utilization={share:.2f}"]


def _cpu_flags(settings: Settings, model: str) -> list[str]:
    """vLLM's share where it runs on the CPU: a cache for what its sequences can use, and no more
    than half of what is free."""
    memory = vllm_engine.cpu_memory()
    if memory is None:
        return []
    free, total = memory
    try:
        weights, cache = _cpu_needs(settings, model)
    except ModelError as error:
        logger.warning("what vLLM's sequences can use of memory is not known: %s", error)
    else:
        if weights + cache < CPU_SHARE * free:
            logger.info("vLLM gets %s of memory for its cache", size(cache))
            return [f"--kv-cache-memory-bytes={cache}"]
    share = max(0.01, CPU_SHARE * free / total)
    logger.info("vLLM gets %s of memory, half of what is free", size(int(share * total)))
    return [f"--gpu-memory-utilization={share:.2f}"]


def _cpu_needs(settings: Settings, model: str) -> tuple[int, int]:
    """Bytes of the weights, and of a cache in which as many sequences as vLLM runs at once have
    room: each prompt once for its candidates, at the full context, each candidate at its longest.

    Sequences that are longer still wait for each other, as vLLM has it.

    Raises:
        ModelError: the model does not say how large it is.
    """
    options = memory_options(model, settings.engine_args)
    shape, item = shape_of(config_of(model), model), ITEMS.get(options.dtype, 2)
    response = settings.max_tokens or settings.server.assumed_max_tokens
    context = options.max_model_len or shape.context or 2 * response
    sequences = options.max_num_seqs or CPU_SEQUENCES
    prompts = -(-sequences // settings.best_of)
    longest = shape.cache_bytes(context + CPU_BLOCK, item)
    further = shape.cache_bytes(min(response, context) + CPU_BLOCK, item)
    cache = prompts * longest + (sequences - prompts) * further
    return weight_sizes(model).on_device(item), cache


def _plan(settings: Settings, model: str, rewards: RewardPlan, card: Card) -> Plan | None:
    options = memory_options(model, settings.engine_args)
    if options.gpus > 1:
        return None
    return plan_for(
        model,
        rewards.local_models,
        card,
        best_of=settings.best_of,
        response_tokens=settings.max_tokens or settings.server.assumed_max_tokens,
        max_model_len=options.max_model_len,
        dtype=options.dtype,
        fp8_cache=options.kv_cache_dtype.startswith("fp8"),
    )
