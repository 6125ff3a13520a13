"""Settings tried without loading a model: every name in them is looked up, every option made.

for key, error in contradictions(settings):
    print(key, error)
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

from bestofn.builders.choosing import build_answer_key, build_selector
from bestofn.builders.generators import sources_of
from bestofn.builders.pipeline import build_filters
from bestofn.builders.reward_plan import RewardPlan, wrong_options
from bestofn.builders.rewards import SECTIONS
from bestofn.builders.stopping import Readable, require_candidates, stopping
from bestofn.core.errors import ConfigError
from bestofn.settings.sections import FilterSpec
from bestofn.settings.settings import Settings


def contradictions(settings: Settings) -> Iterator[tuple[str, ConfigError]]:
    """What is wrong beyond the form of single values: (the key, what opening it would raise)."""
    found: list[tuple[str, ConfigError]] = []

    @contextlib.contextmanager
    def of(key: str) -> Iterator[None]:
        try:
            yield
        except ConfigError as error:
            found.append((key, error))

    def tried(key: str, make: Callable[[], object]) -> None:
        with of(key):
            make()

    tried("generators" if settings.generators else "engine", lambda: sources_of(settings))
    tried("rewards" if settings.rewards else "reward_model", lambda: _options_of(settings))
    if {"best_of", "profiles"} & settings.model_fields_set:
        _tried_limit(settings, tried)
    _tried_filters(settings.filters, "filters", tried)
    tried("answer_key", lambda: build_answer_key(settings.answer_key))
    tried("selector", lambda: build_selector(settings.selector))
    if not found:  # what it reads is right
        with of("stop"):
            key, plan = build_answer_key(settings.answer_key), RewardPlan.of(settings)
            several = len(settings.generators) > 1
            stopping(settings.stop, Readable.of(key, rewards=bool(plan.rewards), several=several))
            require_candidates(settings.stop, settings.best_of)
    for name, profile in settings.profiles.items():
        _tried_filters(profile.filters or (), f"profiles.{name}.filters", tried)
        stop, best_of = profile.stop or settings.stop, profile.best_of or settings.best_of
        with of(f"profiles.{name}.stop"):
            require_candidates(stop, best_of)
        if profile.selector is not None:
            chosen = profile.selector
            tried(f"profiles.{name}.selector", lambda chosen=chosen: build_selector(chosen))  # type: ignore[misc]
        if profile.answer_key is not None:
            voted = profile.answer_key
            tried(f"profiles.{name}.answer_key", lambda voted=voted: build_answer_key(voted))  # type: ignore[misc]
    yield from found


def _tried_filters(
    specs: list[FilterSpec] | tuple[FilterSpec, ...],
    key: str,
    tried: Callable[[str, Callable[[], object]], None],
) -> None:
    for at, spec in enumerate(specs):
        tried(f"{key}.{at}", lambda spec=spec: build_filters([spec]))  # type: ignore[misc]


def _options_of(settings: Settings) -> None:
    """The plan for rewards, with the options of kinds that have a section.

    Raises:
        ConfigError: it cannot be made, or an option is wrong or missing.
    """
    for reward in RewardPlan.of(settings).rewards:
        if (section := SECTIONS.get(reward.kind)) is not None:
            with wrong_options(reward.where, section):
                section.model_validate(reward.options)


def _tried_limit(settings: Settings, tried: Callable[[str, Callable[[], object]], None]) -> None:
    """Whether what is sampled without asking is within the server's limit."""

    def within(best_of: int | None) -> None:
        most = settings.server.max_best_of
        if best_of is not None and best_of > most:
            raise ConfigError(f"it is {best_of}, and server.max_best_of {most}: serve refuses it")

    if "max_best_of" in settings.server.model_fields_set:
        tried("best_of", lambda: within(settings.best_of))
    for name, profile in settings.profiles.items():
        tried(f"profiles.{name}.best_of", lambda best_of=profile.best_of: within(best_of))  # type: ignore[misc]
