"""Identity of a run: the settings that decide what is sampled and how it is scored."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from bestofn.core.errors import ConfigError
from bestofn.dataset.store.configuration import whole_path, without_secrets
from bestofn.settings.sections import AnswerKeySettings, FilterSpec, SelectorSettings
from bestofn.settings.settings import Settings
from bestofn.settings.stopping import StopSettings

PARTS = frozenset(
    {
        "model",
        "reward_model",
        "rewards",
        "ensemble",
        "upstream",
        "generators",
        "best_of",
        "temperature",
        "max_tokens",
        "seed",
        "filters",
        "selector",
        "answer_key",
        "policy",
        "engine_args",
        "chat_template",
        "loop_stop",
        "reward",
    }
)
"""Of the settings. Which engine samples, how many requests run at once and what the server does are
not among them."""

_SELECTOR = "selection"
"""What the selector is called in a configuration: earlier versions called it so."""

OF_THE_MACHINE = frozenset(
    {"device", "max_batch_tokens", "cache_tokens", "threads", "deterministic"}
)
"""Of the section `reward`: they change how fast it is, and the last digits."""

EARLIER_FILTERS = (("empty", "repetition", "truncation"),)
"""The filters by default of earlier versions (0.1), by name; none had options."""


EARLIER_SELECTOR = "argmax"
"""The selector by default of earlier versions (0.1)."""


def going_on(settings: Settings, begun: Mapping[str, Any] | None) -> Settings:
    """The settings for a run that an earlier version may have begun: where they do not say which
    filters or which selector, and the run was begun with that version's own, it goes on with those.

    Args:
        settings: as they were loaded.
        begun: the configuration of the run that is there; None: there is none.

    Raises:
        ConfigError: the run shares its samples out over rows, as only 0.1 could (--explore).
    """
    if begun is None:
        return settings
    if begun.get("explore") is not None:
        raise ConfigError(
            f"this run was begun with --explore {begun['explore']}, which is gone: finish it with "
            "bestofn 0.1, or sample into another folder; export, report, verify and compare read it"
        )
    earlier: dict[str, Any] = {}
    if "filters" not in settings.model_fields_set:
        filters = [FilterSpec.model_validate(each) for each in begun.get("filters", ())]
        plain = not any(each.options for each in filters)
        if plain and tuple(each.name for each in filters) in EARLIER_FILTERS:
            earlier["filters"] = filters
    if "selector" not in settings.model_fields_set:
        selector = SelectorSettings.model_validate(begun.get(_SELECTOR, {}))
        if selector == SelectorSettings(name=EARLIER_SELECTOR):
            earlier["selector"] = selector
    return settings.model_copy(update=earlier) if earlier else settings


def identity_of(
    settings: Settings,
    *,
    source: str,
    columns: Mapping[str, str],
    raw: bool = False,
) -> dict[str, Any]:
    """The configuration of a run, as JSON holds it: without keys, passwords and queries of URLs,
    and with the whole path of an input that is a file.

    Args:
        settings: of the run.
        source: the input.
        columns: see `bestofn.dataset.prompts.layouts.find_fields`.
        raw: see `bestofn.dataset.prompts.rows.Defaults`.
    """
    given = json.loads(settings.model_dump_json(include=set(PARTS)))
    given["reward"] = {k: v for k, v in given["reward"].items() if k not in OF_THE_MACHINE}
    for name, default in (("reasoning", False), ("images", "placeholder")):
        if given["reward"][name] == default:  # runs older than the setting do not have it
            del given["reward"][name]
    if given["chat_template"] is None:
        del given["chat_template"]
    if settings.policy.grow == 1:  # nor this one
        del given["policy"]["grow"]
    for spec in given["generators"]:
        del spec["upstream_api_key"]
    if not settings.generators:  # nor these
        del given["generators"]
    for spec in given["rewards"]:
        spec["options"] = {k: v for k, v in spec["options"].items() if "key" not in k}
    given[_SELECTOR] = given.pop("selector")
    if settings.answer_key == AnswerKeySettings():
        del given["answer_key"]  # which earlier versions did not have
    if settings.stop != StopSettings():  # a run without a rule is as one of before there were any
        given["stop"] = settings.stop.model_dump(exclude_defaults=True)
    # 0.1 wrote down whether it shared samples out over rows.
    asked: dict[str, Any] = {"input": whole_path(source), "columns": dict(columns)}
    asked["explore"] = None
    if raw:
        asked["raw"] = True
    public: dict[str, Any] = without_secrets({**given, **asked})
    return public
