"""From settings to a running pipeline: filters, selector, reward models, generator, policy.

    async with open_pipeline(Settings(best_of=16)) as pipeline:
        ranking = await best_of_n(Request.from_prompt("What is 8 - 5?", best_of=16), pipeline)

A new filter or selector is one new file and one line in `FILTERS` or `SELECTORS`. Backends are
imported when they are asked for.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any

from bestofn.builders.generator import engine_of, open_generator
from bestofn.builders.memory import left_flags, planned_flags
from bestofn.builders.reward_plan import RewardPlan
from bestofn.builders.rewards import open_reward_model
from bestofn.core.errors import ConfigError
from bestofn.core.pipeline import Pipeline
from bestofn.core.protocols import Filter, Generator, Selector
from bestofn.settings.sections import FilterSpec, SelectionSettings
from bestofn.settings.settings import NO_REWARD_MODEL, Settings
from bestofn.support.import_path import imported
from bestofn.support.url import shown_url

FILTERS: Mapping[str, str] = {
    "control_characters": "bestofn.filters.control_characters:ControlCharactersFilter",
    "custom": "bestofn.filters.custom:CustomFilter",
    "echo": "bestofn.filters.echo:EchoFilter",
    "empty": "bestofn.filters.empty:EmptyFilter",
    "json_schema": "bestofn.filters.json_schema:JsonSchemaFilter",
    "language": "bestofn.filters.language:LanguageFilter",
    "length": "bestofn.filters.length:LengthFilter",
    "pattern": "bestofn.filters.pattern:PatternFilter",
    "repetition": "bestofn.filters.repetition.filter:RepetitionFilter",
    "script": "bestofn.filters.script:ScriptFilter",
    "template_token": "bestofn.filters.template_token:TemplateTokenFilter",
    "tool_calls": "bestofn.filters.tool_calls:ToolCallsFilter",
    "truncation": "bestofn.filters.truncation.filter:TruncationFilter",
}
SELECTORS: Mapping[str, str] = {
    "argmax": "bestofn.selection.argmax:ArgmaxSelector",
}


@contextlib.asynccontextmanager
async def open_pipeline(
    settings: Settings | None = None, *, generator: Generator | None = None
) -> AsyncIterator[Pipeline]:
    """Load what `settings` name, and free it at the end; without settings, the embedded pair.

    The models are loaded one after the other, the generator last, so that vLLM sees how much memory
    is left; on a GPU its share is planned before (`bestofn.gpu_memory`).

    Args:
        settings: what to load.
        generator: samples instead of what the settings name; it is not closed.

    Raises:
        ConfigError: a setting is wrong, an unknown filter is named, vLLM is not installed, or the
            models do not fit on the GPU together.
        ModelError: a model cannot be found, read, or used for what it was named for.
    """
    settings = settings or Settings()
    sampled = settings.model or _shown(settings.upstream)
    if generator is not None and sampled is None:
        sampled = "the given generator"
    if sampled is not None and settings.reward_model is None and not settings.rewards:
        raise ConfigError(
            f"{sampled} samples, and no reward model is named: name one, or "
            f"`{NO_REWARD_MODEL}` to filter only (the embedded one knows only the embedded model)"
        )
    engine, rewards = engine_of(settings), RewardPlan.of(settings)
    filters, selector = build_filters(settings.filters), build_selector(settings.selection)
    planned: Sequence[str] | None = ()
    if generator is None and engine == "vllm" and settings.model is not None:
        planned = planned_flags(settings, settings.model, rewards)
    async with contextlib.AsyncExitStack() as stack:
        reward_model = await stack.enter_async_context(open_reward_model(rewards))
        if generator is None:
            share = left_flags(rewards) if planned is None else planned
            opened = open_generator(settings, engine, share)
            generator = await stack.enter_async_context(opened)
        yield Pipeline(generator, selector, filters, reward_model, settings.policy.policy())


def build_filters(specs: Sequence[FilterSpec]) -> Sequence[Filter]:
    """The filters in the order given.

    Raises:
        ConfigError: an unknown name, or options that the filter does not take.
    """
    return [_make("filter", FILTERS, spec.name, spec.options) for spec in specs]


def build_selector(spec: SelectionSettings) -> Selector:
    """The selector.

    Raises:
        ConfigError: an unknown name, or options that the selector does not take.
    """
    selector: Selector = _make("selector", SELECTORS, spec.name, spec.options)
    return selector


def _shown(upstream: str | Sequence[str] | None) -> str | None:
    """What samples elsewhere, as it may be written down."""
    if upstream is None or isinstance(upstream, str):
        return None if upstream is None else shown_url(upstream)
    return ", ".join(map(shown_url, upstream))


def _make(kind: str, known: Mapping[str, str], name: str, options: Mapping[str, Any]) -> Any:
    """Import and construct the `kind` called `name`."""
    if name not in known:
        raise ConfigError(f"no {kind} is called {name!r}; there are {', '.join(sorted(known))}")
    factory: Callable[..., Any] = imported(known[name])
    try:
        return factory(**options)
    except (TypeError, AttributeError) as error:  # an unknown option, or one of a wrong type
        what = str(error).replace(f"{factory.__name__}.__init__() ", "")
        raise ConfigError(f"{kind} {name}: {what}") from error
