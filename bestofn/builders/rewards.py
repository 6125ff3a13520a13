"""What scores, opened: one reward model, an ensemble of several, or nothing.

    async with open_reward_model(RewardPlan.of(settings)) as reward_model:
        scores = await reward_model.score(request, candidates)

A new kind is one new file, its line in `KINDS`, its name in `RewardKind` of the settings and, where
its options are a section, that in `SECTIONS`. Backends are imported when they are asked for.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from pydantic import validate_call

from bestofn.builders.reward_plan import PlannedReward, RewardPlan, wrong_options
from bestofn.core.protocols import RewardModel
from bestofn.rewards.judge.itself import Itself
from bestofn.settings.judge import JudgeSettings
from bestofn.settings.reward_server import RewardServerSettings
from bestofn.settings.rewards import RewardKind
from bestofn.settings.section import Section
from bestofn.settings.verifier import VerifierSettings
from bestofn.support.import_path import imported

KINDS: Mapping[RewardKind, str] = {
    "model": "bestofn.rewards.transformers:TransformersRewardModel.load",
    "vllm": "bestofn.rewards.vllm:vllm_reward_model",
    "server": "bestofn.rewards.remote.open:open_reward_server",
    "judge": "bestofn.rewards.judge.open:open_judge",
    "pairwise": "bestofn.rewards.pairwise.ranker:PairwiseRanker.load",
    "verifier": "bestofn.rewards.verifiers.open:open_verifier",
}
"""What opens each kind. It returns a reward model, which is closed at the end where it has `close`,
or an async context manager of one."""

SECTIONS: Mapping[RewardKind, type[Section]] = {
    "server": RewardServerSettings,
    "judge": JudgeSettings,
    "verifier": VerifierSettings,
}
"""What the opener of a kind takes: the options as one section. The others take each option as a
keyword argument."""


@contextlib.asynccontextmanager
async def open_reward_model(
    plan: RewardPlan, itself: Itself | None = None
) -> AsyncIterator[RewardModel | None]:
    """What scores, closed at the end; None where nothing does.

    Args:
        plan: what it is.
        itself: stands for the generator, for a judge that it is itself; to be bound later.

    Raises:
        ConfigError: an option is wrong.
        ModelError: a model cannot be found or read, or is no reward model.
    """
    async with contextlib.AsyncExitStack() as stack:
        opened = [await _open(reward, stack, itself) for reward in plan.rewards]
        if len(opened) > 1:
            yield _ensemble(plan, opened)
        else:
            yield next(iter(opened), None)


async def _open(
    reward: PlannedReward, stack: contextlib.AsyncExitStack, itself: Itself | None
) -> RewardModel:
    opened = _call_opener(reward, itself)
    if isinstance(opened, contextlib.AbstractAsyncContextManager):
        return await stack.enter_async_context(opened)
    if hasattr(opened, "close"):
        stack.callback(opened.close)
    reward_model: RewardModel = opened
    return reward_model


def _call_opener(reward: PlannedReward, itself: Itself | None) -> Any:
    """What the opener of its kind returns; its section, or its signature, says which options
    there are."""
    opener: Any = imported(KINDS[reward.kind])
    section = SECTIONS.get(reward.kind)
    with wrong_options(reward.where, section):
        if section is not None:
            own = section.model_validate(reward.options)
            return opener(own, itself) if reward.kind == "judge" else opener(own)
        return validate_call(opener)(**reward.options)


def _ensemble(plan: RewardPlan, opened: Sequence[RewardModel]) -> RewardModel:
    from bestofn.rewards.ensemble import EnsembleRewardModel, Member

    members = [
        Member(reward.title, reward_model, reward.weight)
        for reward, reward_model in zip(plan.rewards, opened, strict=True)
    ]
    return EnsembleRewardModel(members, **plan.ensemble.model_dump())
