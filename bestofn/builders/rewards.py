"""Owns the way from settings to what scores: one reward model, or an ensemble of several.

A new kind is one new file and one line here. Backends are imported when they are asked for.
"""

from __future__ import annotations

import contextlib
import importlib
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from pydantic import ValidationError, validate_call

from bestofn import embedded
from bestofn.core.errors import ConfigError
from bestofn.core.protocols import RewardModel
from bestofn.settings.judge import JudgeSettings
from bestofn.settings.reward_server import RewardServerSettings
from bestofn.settings.rewards import RewardKind, RewardSettings, RewardSpec
from bestofn.settings.sections import Section
from bestofn.settings.settings import NO_REWARD_MODEL, Settings
from bestofn.settings.verifier import VerifierSettings

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
async def open_reward_model(settings: Settings) -> AsyncIterator[RewardModel | None]:
    """What scores, closed at the end; None where the settings say `none`.

    Raises:
        ConfigError: an option is wrong, or the settings contradict each other.
        ModelError: a model cannot be found or read, or is no reward model.
    """
    specs = _specs(settings)
    async with contextlib.AsyncExitStack() as stack:
        opened = [await _open(spec, settings, stack) for spec in specs]
        if len(opened) > 1:
            yield _together(specs, opened, settings)
        else:
            yield next(iter(opened), None)


def local_models(settings: Settings) -> list[tuple[str, RewardSettings]]:
    """Name and settings of each model whose weights this process loads, other than on the CPU.

    Raises:
        ConfigError: as `open_reward_model`.
    """
    found = []
    for spec in _specs(settings):
        if spec.kind in ("model", "pairwise") and "model" in spec.options:
            known = {k: v for k, v in spec.options.items() if k in RewardSettings.model_fields}
            given = RewardSettings.model_validate({**settings.reward.model_dump(), **known})
            if given.device != "cpu":
                found.append((str(spec.options["model"]), given))
    return found


def reward_name(settings: Settings) -> str | None:
    """What clients call what scores; None where nothing does."""
    if settings.reward_model is None and not settings.rewards:
        return embedded.REWARD_NAME
    if settings.reward_model is not None:
        return None if settings.reward_model == NO_REWARD_MODEL else settings.reward_model
    return "+".join(spec.title for spec in settings.rewards)


def _specs(settings: Settings) -> Sequence[RewardSpec]:
    """What is to be opened.

    Raises:
        ConfigError: reward_model and rewards are both given, names are not unique, or there is
            nothing to combine.
    """
    name, given = settings.reward_model, settings.rewards
    if name is not None and given:
        raise ConfigError(f"reward_model is {name}, and rewards are given too: name it among them")
    if len(given) < 2 and (settings.ensemble is not None or any(s.weight != 1 for s in given)):
        raise ConfigError("ensemble and weight are for several rewards; give rewards, two or more")
    twice = [title for title, count in Counter(spec.title for spec in given).items() if count > 1]
    if twice:
        raise ConfigError(f"several rewards are called {twice[0]}: give each a name")
    if given:
        return given
    if name == NO_REWARD_MODEL:
        return []
    return [RewardSpec.of(name or str(embedded.reward_path()))]


async def _open(
    spec: RewardSpec, settings: Settings, stack: contextlib.AsyncExitStack
) -> RewardModel:
    module, _, path = KINDS[spec.kind].partition(":")
    opener: Any = importlib.import_module(module)
    for part in path.split("."):
        opener = getattr(opener, part)
    try:
        options = _local(spec, settings) if spec.kind == "model" else spec.options
        if section := SECTIONS.get(spec.kind):
            opened = opener(section.model_validate(options))
        else:
            opened = validate_call(opener)(**options)
    except ValidationError as error:
        where = f"rewards: {spec.title}" if settings.rewards else f"reward model {spec.title}"
        raise ConfigError(f"{where}: {_sentence(error)}") from error
    if isinstance(opened, contextlib.AbstractAsyncContextManager):
        return await stack.enter_async_context(opened)
    if hasattr(opened, "close"):
        stack.callback(opened.close)
    reward_model: RewardModel = opened
    return reward_model


def _local(spec: RewardSpec, settings: Settings) -> dict[str, Any]:
    """The options of a local model; the section `reward` holds where it says nothing else.

    Raises:
        ValidationError: an option is wrong.
    """
    options = dict(spec.options)
    model = options.pop("model", None)
    given = RewardSettings.model_validate({**settings.reward.model_dump(), **options})
    threads = given.threads
    if settings.reward_model is None and not settings.rewards and threads is None:
        threads = 1  # so small a model gains nothing by more, and the engine loses
    named = {} if model is None else {"model": model}
    return {**named, **given.model_dump(), "threads": threads}


def _together(
    specs: Sequence[RewardSpec], opened: Sequence[RewardModel], settings: Settings
) -> RewardModel:
    from bestofn.rewards.ensemble import EnsembleRewardModel, Member

    members = [
        Member(spec.title, reward_model, spec.weight)
        for spec, reward_model in zip(specs, opened, strict=True)
    ]
    given = {} if settings.ensemble is None else settings.ensemble.model_dump()
    return EnsembleRewardModel(members, **given)


def _sentence(error: ValidationError) -> str:
    parts = []
    for each in error.errors(include_url=False):
        where = ".".join(str(part) for part in each["loc"])
        wrong = {
            "unexpected_keyword_argument": "there is no such option",
            "extra_forbidden": "there is no such option",
            "missing": "has to be given",
            "missing_argument": "has to be given",
            "missing_keyword_only_argument": "has to be given",
        }.get(each["type"], each["msg"])
        parts.append(f"{where}: {wrong}")
    return "; ".join(parts)
