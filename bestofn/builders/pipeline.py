"""Owns the way from settings to a running pipeline: the one place that imports concrete backends.

A new filter, generator or selector is one new file and one line here. Backends are
imported when they are asked for.
"""

from __future__ import annotations

import contextlib
import importlib
import logging
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any

from bestofn import embedded
from bestofn.builders.memory import left_flags, planned_flags
from bestofn.builders.rewards import open_reward_model
from bestofn.core.errors import ConfigError
from bestofn.core.pipeline import Pipeline
from bestofn.core.protocols import Filter, Generator, Selector
from bestofn.settings.choices import Engine
from bestofn.settings.sections import FilterSpec, SelectionSettings
from bestofn.settings.settings import NO_REWARD_MODEL, Settings
from bestofn.vllm_engine import engine as vllm_adapter

logger = logging.getLogger(__name__)

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
    sampled = settings.model or settings.upstream
    if generator is not None and sampled is None:
        sampled = "the given generator"
    if sampled is not None and settings.reward_model is None and not settings.rewards:
        raise ConfigError(
            f"{sampled} samples, and no reward model is named: name one, or "
            f"`{NO_REWARD_MODEL}` to filter only (the embedded one knows only the embedded model)"
        )
    engine = _engine(settings)
    vouched = generator is None and engine != "openai"
    filters = build_filters(settings.filters, vouched=vouched)
    selector = build_selector(settings.selection)
    planned: Sequence[str] | None = ()
    if generator is None and engine == "vllm" and settings.model is not None:
        planned = planned_flags(settings, settings.model)
    async with contextlib.AsyncExitStack() as stack:
        reward_model = await stack.enter_async_context(open_reward_model(settings))
        if generator is None:
            opened = _open_generator(settings, engine, planned)
            generator = await stack.enter_async_context(opened)
        yield Pipeline(generator, selector, filters, reward_model, settings.policy.policy())


def build_filters(specs: Sequence[FilterSpec], *, vouched: bool = False) -> Sequence[Filter]:
    """The filters in the order given.

    Args:
        specs: which.
        vouched: whether the engine itself says how a candidate ended, and no gateway between: what
            the truncation filter takes `vouched` from where its options do not say.

    Raises:
        ConfigError: an unknown name, or options that the filter does not take.
    """
    known = {"vouched": True} if vouched else {}
    return [
        _make(
            "filter",
            FILTERS,
            spec.name,
            {**known, **spec.options} if spec.name == "truncation" else spec.options,
        )
        for spec in specs
    ]


def build_selector(spec: SelectionSettings) -> Selector:
    """The selector.

    Raises:
        ConfigError: an unknown name, or options that the selector does not take.
    """
    selector: Selector = _make("selector", SELECTORS, spec.name, spec.options)
    return selector


EMBEDDED_ENVIRONMENT = {"OMP_NUM_THREADS": "1", "VLLM_CPU_OMP_THREADS_BIND": "nobind"}
"""Variables that vLLM starts the embedded model with: its threads would wait for each other."""


def embedded_engine_args() -> list[str]:
    """Flags that start a model of a few MB fast, and small: it needs no graphs and little cache."""
    return [
        f"--served-model-name={embedded.NAME}",
        "--enforce-eager",
        "--block-size=32",
        "--max-num-batched-tokens=2048",
        f"--kv-cache-memory-bytes={256 * 2**20}",
        "--gpu-memory-utilization=0.1",
    ]


@contextlib.asynccontextmanager
async def _open_generator(
    settings: Settings, engine: Engine, planned: Sequence[str] | None
) -> AsyncIterator[Generator]:
    logger.info("engine: %s", engine)
    if engine == "openai":
        from bestofn.generators.openai import openai_generator

        key = settings.upstream_api_key
        async with openai_generator(
            settings.upstream or "",
            settings.model,
            api_key=None if key is None else key.get_secret_value(),
            concurrency=settings.upstream_concurrency,
        ) as upstream:
            yield upstream
        return

    name = generator_name(settings)
    if engine == "transformers":
        from bestofn.generators.transformers import TransformersGenerator

        fallback = TransformersGenerator.load(name)
        try:
            yield fallback
        finally:
            fallback.close()
        return

    from bestofn.generators.vllm import LOOP_STOP, vllm_generator

    arguments, environment = list(settings.engine_args), {}
    if settings.model is None:
        arguments = [*embedded_engine_args(), *arguments]
        environment = dict(EMBEDDED_ENVIRONMENT)
    else:
        arguments += left_flags(settings) if planned is None else planned
    async with vllm_generator(
        name,
        arguments,
        loop_stop=LOOP_STOP if settings.loop_stop else None,
        environment=environment,
    ) as generator:
        yield generator


def _engine(settings: Settings) -> Engine:
    """The engine that `settings` ask for, or that suits them.

    Raises:
        ConfigError: they contradict each other.
    """
    engine, upstream = settings.engine, settings.upstream
    if engine == "auto":
        engine = "vllm" if vllm_adapter.is_available() else "transformers"
        engine = engine if upstream is None else "openai"
    elif engine == "openai" and upstream is None:
        raise ConfigError("the engine is openai, and no upstream is named")
    elif engine != "openai" and upstream is not None:
        raise ConfigError(f"the engine is {engine}, and an upstream is named: {upstream}")
    if engine != "vllm" and settings.engine_args:
        raise ConfigError(f"engine_args are flags of vLLM, and the engine is {engine}")
    return engine


def generator_name(settings: Settings) -> str:
    """Folder or hub name of what samples here."""
    return settings.model or str(embedded.generator_path())


def _make(kind: str, known: Mapping[str, str], name: str, options: Mapping[str, Any]) -> Any:
    """Import and construct the `kind` called `name`."""
    if name not in known:
        raise ConfigError(f"no {kind} is called {name!r}; there are {', '.join(sorted(known))}")
    module, _, attribute = known[name].partition(":")
    factory: Callable[..., Any] = getattr(importlib.import_module(module), attribute)
    try:
        return factory(**options)
    except (TypeError, AttributeError) as error:  # an unknown option, or one of a wrong type
        what = str(error).replace(f"{attribute}.__init__() ", "")
        raise ConfigError(f"{kind} {name}: {what}") from error
