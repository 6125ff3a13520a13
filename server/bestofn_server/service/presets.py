"""Presets: what a model name in a request stands for, a model or a profile of the settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from bestofn import embedded
from bestofn.builders.choosing import build_answer_key, build_selector
from bestofn.builders.pipeline import build_filters
from bestofn.builders.special_tokens import with_special_tokens
from bestofn.builders.stopping import stopped_by
from bestofn.control.policy import Policy
from bestofn.control.recent_scores import RecentScores
from bestofn.core.errors import ConfigError, RequestError
from bestofn.core.pipeline import Pipeline
from bestofn.settings.sections import AnswerKeySettings, Profile, SelectorSettings
from bestofn.settings.settings import Settings
from bestofn.settings.stopping import StopSettings
from bestofn.support.error_text import shortened
from bestofn_server.errors import ModelNotFoundError
from bestofn_server.telemetry.labels import NOBODY, Served

MOST_MODELS = 256
"""Models beside the default one whose scores are known at once; the first known go first."""


@dataclass(frozen=True, slots=True)
class Preset:
    """What a request with this model name starts from.

    Args:
        name: as clients say it.
        model: what the engine is asked for; None: its default.
        best_of, temperature, max_tokens, seed: where the request says nothing.
        selector, answer_key, stop: the pipeline's, as settings; a request may change one of them.
        pipeline: what runs it.
        context: tokens that its model reads and writes; None: the engine does not say.
        served: the model and the profile, as metrics and traces call them.
    """

    name: str
    model: str | None
    best_of: int
    temperature: float | None
    max_tokens: int | None
    seed: int | None
    pipeline: Pipeline
    selector: SelectorSettings = field(default_factory=SelectorSettings)
    answer_key: AnswerKeySettings = field(default_factory=AnswerKeySettings)
    stop: StopSettings = field(default_factory=StopSettings)
    context: int | None = None
    served: Served = NOBODY


class Presets:
    """All names that a request may say; make it with `load`.

    Args:
        settings: the defaults, and the profiles.
        pipeline: what the profiles vary.
        models: OpenAI's model objects of the engine, the default first.
    """

    def __init__(
        self, settings: Settings, pipeline: Pipeline, models: Sequence[dict[str, Any]]
    ) -> None:
        _refuse_above_the_limit(settings)
        self._pipeline = pipeline
        self._models = list(models)
        self._recent: dict[str, RecentScores] = {}
        self._default = Preset(
            name=str(models[0]["id"]),
            model=None,
            best_of=settings.best_of,
            temperature=settings.temperature,
            max_tokens=settings.max_tokens,
            seed=settings.seed,
            pipeline=pipeline,
            context=_context(models[0]),
            selector=settings.selector,
            answer_key=settings.answer_key,
            stop=settings.stop,
            served=Served(str(models[0]["id"])),
        )
        self._profiles = {
            name: self._apart(_of_profile(name, profile, self._default, settings))
            for name, profile in settings.profiles.items()
        }

    @classmethod
    async def load(cls, settings: Settings, pipeline: Pipeline) -> Presets:
        """The names that the engine and the settings give.

        Raises:
            ConfigError: a profile cannot be made, or is called as a model is.
            GeneratorError: the engine does not say what it serves.
        """
        name = settings.model or "+".join(each.name for each in settings.generators)
        name = name or embedded.NAME
        models = [{"id": name, "object": "model", "owned_by": "bestofn"}]
        if pipeline.forwarder is not None:
            models = await pipeline.forwarder.models() or models
        taken = {str(model["id"]) for model in models} & settings.profiles.keys()
        if taken:
            raise ConfigError(f"profile {min(taken)}: the model itself has that name")
        return cls(settings, pipeline, models)

    @property
    def default(self) -> Preset:
        """The engine's default model."""
        return self._default

    async def named(self, name: str | None, profile: str | None = None) -> Preset:
        """The preset of that name; None: the engine's default model.

        Args:
            name: of a model or a profile.
            profile: the name of one that goes before it. A profile that names no model samples
                from `name`, where the engine serves that; any other name then says nothing.

        Raises:
            ModelNotFoundError: there is none.
        """
        if profile is not None:
            if (chosen := self._profiles.get(profile)) is None:
                raise ModelNotFoundError(
                    f"there is no profile {shortened(profile)!r} here", param="X-Bestofn-Profile"
                )
            if chosen.model is None and name not in (None, self._default.name):
                await self._refresh()
                if name is not None and self._serves(name):
                    return self._of_model(chosen, name)
            return chosen
        if name is None or name == self._default.name:
            return self._default
        if (called := self._profiles.get(name)) is not None:
            return called
        if not self._serves(name):
            await self._refresh()  # a LoRA adapter may have been loaded since
        if self._serves(name):
            served = replace(self._default, name=name, served=Served(name))
            return self._of_model(served, name)
        raise ModelNotFoundError(
            f"there is no model {shortened(name)!r} here; GET /v1/models lists them", param="model"
        )

    async def listed(self) -> list[dict[str, Any]]:
        """OpenAI's model objects: the engine's models, then the profiles."""
        await self._refresh()
        profiles = [
            {
                "id": preset.name,
                "object": "model",
                "owned_by": "bestofn",
                "parent": preset.model or self._default.name,
            }
            for preset in self._profiles.values()
        ]
        models = [{"object": "model", "created": 0, **model} for model in self._models]
        return models + [{"created": 0, **profile} for profile in profiles]

    def _apart(self, preset: Preset) -> Preset:
        if preset.model is None or preset.model == self._default.name:
            return preset
        return self._of_model(preset, preset.model)

    def _of_model(self, preset: Preset, name: str) -> Preset:
        """The preset for another model of the engine, whose scores do not compare with the
        default's: what its rule knows of recent requests is kept apart."""
        policy, root = preset.pipeline.policy, self._root(name)
        own_rule = preset.stop.rule == "none"  # of a pipeline that no settings made
        if not isinstance(policy, Policy) or policy.recent is None:
            return replace(preset, model=name)
        if root == self._root(self._default.name) or (own_rule and policy.compares_with_recent):
            return replace(preset, model=name)
        recent = self._recent.setdefault(root, RecentScores(rewards=policy.recent.rewards))
        if len(self._recent) > MOST_MODELS:
            del self._recent[next(iter(self._recent))]
        pipeline = replace(preset.pipeline, policy=replace(policy, recent=recent))
        if policy.compares_with_recent:
            pipeline = stopped_by(preset.stop, build_answer_key(preset.answer_key), pipeline)
        return replace(preset, model=name, pipeline=pipeline)

    def _root(self, name: str) -> str:
        """What the model of that name was loaded from, where that is said: names of one are one."""
        found = (model for model in self._models if model["id"] == name)
        return str(next(found, {}).get("root") or name)

    def _serves(self, name: str | None) -> bool:
        return any(model["id"] == name for model in self._models)

    async def _refresh(self) -> None:
        forwarder = self._pipeline.forwarder
        if forwarder is not None and forwarder.changes:
            self._models = await forwarder.models()


def _refuse_above_the_limit(settings: Settings) -> None:
    """What no request may ask for, none may get without asking.

    Raises:
        ConfigError: `best_of`, of the server or of a profile, is above `max_best_of`.
    """
    most = settings.server.max_best_of
    asked: dict[str, int | None] = {"best_of": settings.best_of}
    asked |= {f"profiles.{name}.best_of": each.best_of for name, each in settings.profiles.items()}
    for key, best_of in asked.items():
        if best_of is not None and best_of > most:
            raise ConfigError(f"{key} is {best_of}, and server.max_best_of {most}")


def _of_profile(name: str, profile: Profile, default: Preset, settings: Settings) -> Preset:
    def or_default(field: str) -> Any:
        value = getattr(profile, field)
        return getattr(default, field) if value is None else value

    changes: dict[str, Any] = {}
    if profile.model is not None and settings.generators:
        raise ConfigError(f"profile {name}: model is for one generator, and there are several")
    try:
        if profile.filters is not None:
            changes["filters"] = with_special_tokens(build_filters(profile.filters), settings)
        key = build_answer_key(or_default("answer_key"))
        if profile.selector is not None or profile.answer_key is not None:
            changes["selector"] = build_selector(or_default("selector"), key)
        if profile.policy is not None:
            changes["policy"] = profile.policy.policy()
        pipeline = replace(default.pipeline, **changes)
        if {"stop", "answer_key", "policy"} & profile.model_fields_set:
            pipeline = stopped_by(or_default("stop"), key, pipeline)
    except (ConfigError, RequestError) as error:
        raise ConfigError(f"profile {name}: {error}") from error
    return Preset(
        name=name,
        model=profile.model,
        best_of=or_default("best_of"),
        temperature=or_default("temperature"),
        max_tokens=or_default("max_tokens"),
        seed=or_default("seed"),
        selector=or_default("selector"),
        answer_key=or_default("answer_key"),
        stop=or_default("stop"),
        pipeline=pipeline,
        context=default.context,
        served=Served(profile.model or default.served.model, name),
    )


def _context(model: Mapping[str, Any]) -> int | None:
    """What vLLM says besides of a model."""
    said = model.get("max_model_len")
    return said if isinstance(said, int) and said > 0 else None
