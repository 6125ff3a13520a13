"""From settings to a running pipeline: filters, selector, reward models, generator, policy.

    async with open_pipeline(Settings(best_of=16)) as pipeline:
        ranking = await best_of_n(Request.from_prompt("What is 8 - 5?", best_of=16), pipeline)

A new filter is one new file and one line in `FILTERS`. Backends are imported when they are asked
for.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence

from bestofn.builders.by_name import make
from bestofn.builders.choosing import build_answer_key, build_selector
from bestofn.builders.generator import engine_of, refuse_no_model
from bestofn.builders.generators import open_generators, sampled_here
from bestofn.builders.memory import left_flags, planned_flags
from bestofn.builders.reward_plan import RewardPlan
from bestofn.builders.rewards import open_reward_model
from bestofn.builders.special_tokens import with_special_tokens
from bestofn.builders.stopping import Readable, stopping
from bestofn.control.policy import Policy
from bestofn.core.errors import ConfigError
from bestofn.core.pipeline import Pipeline
from bestofn.core.protocols import Filter, Generator
from bestofn.rewards.judge.itself import Itself
from bestofn.settings.sections import FilterSpec
from bestofn.settings.settings import Settings

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
    here = sampled_here(settings)
    rewards = RewardPlan.of(settings, other_generator=generator is not None)
    if settings.engine == "none" and not rewards.rewards:
        raise ConfigError("the engine is none, and no reward model is named: nothing to serve")
    filters = build_filters(settings.filters)
    answer_key = build_answer_key(settings.answer_key)
    selector = build_selector(settings.selector, answer_key)
    several = generator is None and len(settings.generators) > 1
    readable = Readable.of(answer_key, rewards=bool(rewards.rewards), several=several)
    policy = Policy(**settings.policy.model_dump(), **stopping(settings.stop, readable))
    planned: Sequence[str] | None = ()
    if generator is None and here is not None and here.model is not None:
        refuse_no_model(here.model)
        planned = planned_flags(here, here.model, rewards) if engine_of(here) == "vllm" else ()
    async with contextlib.AsyncExitStack() as stack:
        itself = Itself()
        reward_model = await stack.enter_async_context(open_reward_model(rewards, itself))
        if generator is None:
            share = left_flags(rewards) if planned is None else planned
            opened = open_generators(settings, share, rewards.name)
            generator = await stack.enter_async_context(opened)
            filters = with_special_tokens(filters, settings)
        itself.bind(generator)
        yield Pipeline(generator, selector, filters, reward_model, policy)


def build_filters(specs: Sequence[FilterSpec]) -> Sequence[Filter]:
    """The filters in the order given.

    Raises:
        ConfigError: an unknown name, or options that the filter does not take.
    """
    return [make("filter", FILTERS, spec.name, spec.options) for spec in specs]
