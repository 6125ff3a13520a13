"""The plan for rewards: what scores, its options resolved, before anything of it is opened.

Settings ─► RewardPlan.of ─┬► name           what clients call it
                           ├► local_models   what the plan of the GPU's memory counts
                           └► rewards        what `builders.rewards.open_reward_model` opens

RewardPlan.of(Settings(reward_model="org/some-reward")).local_models
# [("org/some-reward", RewardSettings(...))]
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Self

from pydantic import BaseModel, ValidationError

from bestofn import embedded
from bestofn.core.errors import ConfigError
from bestofn.rewards.judge.itself import SELF
from bestofn.settings.nearest import hint
from bestofn.settings.rewards import EnsembleSettings, RewardKind, RewardSettings, RewardSpec
from bestofn.settings.settings import NO_REWARD_MODEL, Settings
from bestofn.support.error_text import all_faults
from bestofn.support.url import without_credentials

OF_PAIRWISE = {"device", "dtype", "max_batch_tokens", "images", "too_long"}
"""What a pairwise ranker has of the section `reward`: it knows no other of its settings."""

_CODE = "code"
"""The verifier that runs programs."""


@dataclass(frozen=True, slots=True)
class PlannedReward:
    """One that scores.

    Args:
        kind: what it is.
        title: what its part of the result is called; unique in the plan.
        weight: of its part, among several.
        where: in the settings it stands; begins the errors.
        options: keyword arguments of what opens its kind.
        local: how a model in this process is read and run; None: it is none, or names no model.
    """

    kind: RewardKind
    title: str
    weight: float
    where: str
    options: Mapping[str, Any]
    local: RewardSettings | None = None


@dataclass(frozen=True, slots=True)
class RewardPlan:
    """All that scores.

    Args:
        name: what clients call it; None: nothing scores.
        rewards: in the order of the settings; none: nothing scores.
        ensemble: how the rewards of several become one.
    """

    name: str | None
    rewards: tuple[PlannedReward, ...]
    ensemble: EnsembleSettings

    @classmethod
    def of(cls, settings: Settings, *, other_generator: bool = False) -> Self:
        """The plan that `settings` come to; nothing is loaded or asked for.

        Where they name nothing that scores it is the embedded reward model, for the embedded
        generator; it knows no other's answers, so there, and with the engine none, nothing scores.

        Args:
            settings: name what scores, and what samples.
            other_generator: whether something samples that they do not name.

        Raises:
            ConfigError: reward_model and rewards are both given, names are not unique, there is
                nothing to combine, or an option of a local model is wrong.
        """
        _refuse_contradictions(settings)
        name: str | None = settings.reward_model
        rewards: Sequence[PlannedReward] = ()
        if settings.rewards:
            name = "+".join(spec.title for spec in settings.rewards)
            rewards = [_planned(spec, settings, in_list=True) for spec in settings.rewards]
        elif name == NO_REWARD_MODEL:
            name = None
        elif name:
            rewards = [_planned(RewardSpec.of(name), settings)]
            name = str(without_credentials(name))  # clients read it
        elif not (other_generator or _others(settings)):
            name, rewards = embedded.REWARD_NAME, [_embedded(settings)]
        if settings.engine == "none" and any(map(_asks_the_generator, rewards)):
            raise ConfigError("a judge whose url is self asks the generator; the engine is none")
        return cls(name, tuple(rewards), settings.ensemble or EnsembleSettings())

    @property
    def runs_code(self) -> bool:
        """Whether answers, and what they are compared with, are run as programs."""
        return any(
            reward.kind == "verifier" and reward.options.get("check") == _CODE
            for reward in self.rewards
        )

    @property
    def local_models(self) -> Sequence[tuple[str, RewardSettings]]:
        """Name and options of each model whose weights this process loads, other than on a CPU."""
        return [
            (str(reward.options["model"]), reward.local)
            for reward in self.rewards
            if reward.local is not None and reward.local.device != "cpu"
        ]

    @property
    def engines(self) -> Sequence[PlannedReward]:
        """Those in a vLLM engine of their own."""
        return [reward for reward in self.rewards if reward.kind == "vllm"]


@contextlib.contextmanager
def wrong_options(where: str, section: type[BaseModel] | None = None) -> Iterator[None]:
    """Turn what pydantic says of options into a ConfigError for somebody who wrote settings.

    Args:
        where: they stand; begins the error.
        section: whose options they are, of which one may have been meant by an unknown name.
    """
    try:
        yield
    except ValidationError as error:
        meant = partial(hint, section or BaseModel)
        raise ConfigError(f"{where}: {all_faults(error, hint=meant)}") from error


def _refuse_contradictions(settings: Settings) -> None:
    name, given = settings.reward_model, settings.rewards
    if name is not None and given:
        shown = without_credentials(name)
        raise ConfigError(f"reward_model is {shown}, and rewards are given too: name it among them")
    if len(given) < 2 and (settings.ensemble is not None or any(s.weight != 1 for s in given)):
        raise ConfigError("ensemble and weight are for several rewards; give rewards, two or more")
    twice = [title for title, count in Counter(spec.title for spec in given).items() if count > 1]
    if twice:
        raise ConfigError(f"several rewards are called {twice[0]}: give each a name")


def _others(settings: Settings) -> bool:
    """Whether the embedded generator is not what samples, or nothing does."""
    named = settings.model or settings.upstream or settings.generators
    return bool(named) or settings.engine == "none"


def _embedded(settings: Settings) -> PlannedReward:
    threads = settings.reward.threads or 1  # so small a model gains nothing by more
    small = settings.model_copy(
        update={"reward": settings.reward.model_copy(update={"threads": threads})}
    )
    return _planned(RewardSpec.of(str(embedded.reward_path())), small)


def _asks_the_generator(reward: PlannedReward) -> bool:
    return reward.kind == "judge" and reward.options.get("url") == SELF


def _planned(spec: RewardSpec, settings: Settings, *, in_list: bool = False) -> PlannedReward:
    where = f"rewards: {spec.title}" if in_list else f"reward model {spec.title}"
    options, local = dict(spec.options), None
    with wrong_options(where, RewardSettings):
        if spec.kind == "model":
            # The section `reward` holds where the options say nothing else.
            named = {"model": options.pop("model")} if "model" in options else {}
            local = RewardSettings.model_validate({**settings.reward.model_dump(), **options})
            options = {**named, **local.model_dump()}
        elif spec.kind == "pairwise":
            options = {**settings.reward.model_dump(include=OF_PAIRWISE), **options}
            known = {k: v for k, v in options.items() if k in RewardSettings.model_fields}
            local = RewardSettings.model_validate({**known, "cache_tokens": 0})  # it keeps none
        elif spec.kind == "verifier" and options.get("check") == _CODE and settings.unsafe_code:
            options.setdefault("unsafe", True)
    return PlannedReward(
        spec.kind,
        spec.title,
        spec.weight,
        where,
        options,
        local if "model" in options else None,
    )
