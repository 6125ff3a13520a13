"""`bestofn plan`: how a generator and what scores it share one GPU."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bestofn.cli.options import ConfigOption, JsonOption, ModelOption, RewardModelOption
from bestofn.cli.running import exit_codes
from bestofn.core.errors import ConfigError
from bestofn.settings.choices import CacheType, Quantization

if TYPE_CHECKING:
    from rich.table import Table

    from bestofn.gpu_memory.planner import Card, Plan


def plan(
    model: ModelOption = None,
    reward_model: RewardModelOption = None,
    gpu_memory: Annotated[
        str | None,
        typer.Option(help="Of the GPU, for example 24GiB. Without: of the one that is here."),
    ] = None,
    best_of: Annotated[
        int | None, typer.Option(min=1, help="Candidates of a prompt, to run at once. [8]")
    ] = None,
    max_tokens: Annotated[int | None, typer.Option(min=1, help="Per candidate. [1024]")] = None,
    max_model_len: Annotated[
        int | None,
        typer.Option(min=1, help="Tokens of prompt and candidate. Without: the most that fit."),
    ] = None,
    kv_cache_dtype: Annotated[
        CacheType | None, typer.Option(help="Type of the generator's KV cache. \\[auto]")
    ] = None,
    quantization: Annotated[
        Quantization | None,
        typer.Option(help="Of the reward model. \\[none]", show_default=False),
    ] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say how a generator and a reward model share one GPU, from their headers alone."""
    with exit_codes():
        from bestofn.builders.generator import generator_name
        from bestofn.builders.generators import sampled_here
        from bestofn.builders.reward_plan import RewardPlan
        from bestofn.gpu_memory.advice import refusal
        from bestofn.gpu_memory.from_models import plan_for
        from bestofn.settings.settings import Settings

        settings = Settings.load(
            config,
            model=model,
            reward_model=reward_model,
            reward=None if quantization is None else {"quantization": quantization},
            best_of=best_of,
            max_tokens=max_tokens,
        )
        here = sampled_here(settings)
        if here is None:
            raise ConfigError("an upstream samples elsewhere: there is nothing to plan here")
        found = plan_for(
            generator_name(here),
            RewardPlan.of(settings).local_models,
            _card(gpu_memory),
            best_of=settings.best_of,
            response_tokens=settings.max_tokens or settings.server.assumed_max_tokens,
            max_model_len=max_model_len,
            fp8_cache=kv_cache_dtype == "fp8",
        )
        if not found.fits:
            raise ConfigError(refusal(found))
        _print(found, as_json=as_json)


@dataclass(frozen=True, slots=True)
class _Part:
    name: str
    bytes: int
    exact: bool


def _print(plan: Plan, *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(_row(plan), ensure_ascii=False))
        return
    from rich.console import Console

    console = Console()
    console.print(_table(plan))
    console.print("\n".join(_lines(plan)), highlight=False)


def _card(gpu_memory: str | None) -> Card:
    """The card of the size given with its unit; None: the one that is here.

    Raises:
        ConfigError: it is no size, or there is no card and none was given.
    """
    from pydantic import ByteSize, TypeAdapter, ValidationError

    from bestofn.gpu_memory.gpu import detected_card
    from bestofn.gpu_memory.planner import GIB, Card

    if gpu_memory is None:
        card = detected_card()
        if card is None:
            raise ConfigError("there is no GPU here: give --gpu-memory, for example 24GiB")
        return card
    try:
        total = TypeAdapter(ByteSize).validate_python(gpu_memory)
    except ValidationError as error:
        raise ConfigError(f"--gpu-memory {gpu_memory} is no size: write 24GiB") from error
    if total < GIB // 4:
        size = gpu_memory if gpu_memory.isdecimal() else "24"
        raise ConfigError(f"--gpu-memory {gpu_memory} is {total:,} bytes: write {size}GiB")
    return Card.empty(int(total))


def _parts(plan: Plan) -> Iterator[_Part]:
    yield _Part(f"{plan.generator.name}: weights", plan.generator_weights, True)
    yield _Part("its activations", plan.generator_activations, False)
    yield _Part("its KV cache", plan.kv_bytes, True)
    largest = max((scorer.activation_bytes for scorer in plan.reward_models), default=0)
    for scorer in plan.reward_models:
        how = f" in {scorer.quantization}" if scorer.quantization else ""
        yield _Part(f"{scorer.name}: weights{how}", scorer.weight_bytes, True)
        yield _Part(f"its cache of {scorer.cache_tokens:,} tokens", scorer.cache_bytes, True)
    if plan.reward_models:
        batch = max(scorer.batch_tokens for scorer in plan.reward_models)
        yield _Part(f"a reward batch of {batch:,} tokens", largest, False)
    yield _Part("CUDA contexts and graphs", plan.runtime, False)
    yield _Part("headroom", plan.headroom, False)
    if taken := plan.card.total - plan.card.free:
        yield _Part("taken by others", taken, True)


def _table(plan: Plan) -> Table:
    from rich.table import Table

    from bestofn.gpu_memory.advice import size

    table = Table(title=f"{size(plan.card.total)} of GPU memory", show_footer=True)
    table.add_column("part", footer="together", overflow="fold")
    table.add_column("memory", justify="right", footer=size(plan.card.total))
    table.add_column("", footer="")
    for part in _parts(plan):
        table.add_row(part.name, size(part.bytes), "" if part.exact else "estimated")
    return table


def _lines(plan: Plan) -> Iterator[str]:
    from bestofn.gpu_memory.advice import size

    token = plan.generator.shape.token_bytes(plan.generator.cache_item)
    response = min(plan.response_tokens, plan.context)
    yield f"KV cache: {plan.kv_tokens:,} tokens, {size(token)} each"
    yield (
        f"context: {plan.context:,} tokens"
        + (f" of the model's {plan.own_context:,}" if plan.context < plan.own_context else "")
    )
    yield (
        f"candidates at once: {plan.candidates_of_one_prompt:,} of {response:,} tokens for one "
        f"prompt of {plan.context - response:,}; {plan.candidates_alone:,} that share nothing and "
        "fill the context"
    )
    yield "vLLM's flags: " + " ".join(plan.engine_flags())


def _row(plan: Plan) -> dict[str, Any]:
    return {
        "gpu_memory": plan.card.total,
        "parts": [asdict(part) for part in _parts(plan)],
        "kv_bytes_per_token": plan.generator.shape.token_bytes(plan.generator.cache_item),
        "kv_tokens": plan.kv_tokens,
        "max_model_len": plan.context,
        "best_of": plan.best_of,
        "max_tokens": min(plan.response_tokens, plan.context),
        "candidates_of_one_prompt": plan.candidates_of_one_prompt,
        "candidates_alone": plan.candidates_alone,
        "engine_flags": plan.engine_flags(),
    }
