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
from bestofn.settings.sections import AnswerKeySettings, FilterSpec
from bestofn.settings.settings import Settings
from bestofn.settings.stopping import StopSettings


def contradictions(
    settings: Settings, *, served: bool = False
) -> Iterator[tuple[str, ConfigError]]:
    """What is wrong beyond the form of single values: (the key, what opening it would raise).

    Args:
        settings: what is tried.
        served: a server is to be started with them, so that its limits hold whoever wrote them;
            a file with a large `best_of` and no limit may be for `sample`.
    """
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
    tried("answer_key", lambda: build_answer_key(settings.answer_key))
    right = not found  # what a rule reads
    _tried_limit(settings, tried, served=served)
    _tried_filters(settings.filters, "filters", tried)
    tried("selector", lambda: build_selector(settings.selector))
    if right:
        with of("stop"):
            _tried_stop(settings, settings.stop, settings.answer_key)
            require_candidates(settings.stop, settings.best_of)
    for name, profile in settings.profiles.items():
        _tried_filters(profile.filters or (), f"profiles.{name}.filters", tried)
        if profile.selector is not None:
            chosen = profile.selector
            tried(f"profiles.{name}.selector", lambda chosen=chosen: build_selector(chosen))  # type: ignore[misc]
        if profile.model is not None and settings.generators:
            several = ConfigError("it is for one generator, and there are several")
            found.append((f"profiles.{name}.model", several))
        before = len(found)
        if profile.answer_key is not None:
            voted = profile.answer_key
            tried(f"profiles.{name}.answer_key", lambda voted=voted: build_answer_key(voted))  # type: ignore[misc]
        stop, best_of = profile.stop or settings.stop, profile.best_of or settings.best_of
        with of(f"profiles.{name}.stop"):
            if profile.stop is not None and right and len(found) == before:
                _tried_stop(settings, stop, profile.answer_key or settings.answer_key)
            require_candidates(stop, best_of)
    yield from found


def _tried_stop(settings: Settings, stop: StopSettings, answer_key: AnswerKeySettings) -> None:
    """A stopping rule, beside what samples and scores; a profile has these from the settings.

    Raises:
        ConfigError: it reads what there is none of.
    """
    key, plan = build_answer_key(answer_key), RewardPlan.of(settings)
    several = len(settings.generators) > 1
    stopping(stop, Readable.of(key, rewards=bool(plan.rewards), several=several))


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


def _tried_limit(
    settings: Settings, tried: Callable[[str, Callable[[], object]], None], *, served: bool
) -> None:
    """Whether what is sampled without asking is within the server's limit: a `best_of` that nobody
    wrote, too, where somebody wrote the limit."""
    most = settings.server.max_best_of

    def within(best_of: int | None) -> None:
        if best_of is not None and best_of > most:
            raise ConfigError(f"it is {best_of}, and server.max_best_of {most}: serve refuses it")

    def above_the_default() -> None:
        if settings.best_of > most:
            raise ConfigError(f"it is {most}, and best_of {settings.best_of}: serve refuses it")

    if served or "max_best_of" in settings.server.model_fields_set:
        if "best_of" in settings.model_fields_set:
            tried("best_of", lambda: within(settings.best_of))
        else:
            tried("server.max_best_of", above_the_default)
    for name, profile in settings.profiles.items():
        tried(f"profiles.{name}.best_of", lambda best_of=profile.best_of: within(best_of))  # type: ignore[misc]
