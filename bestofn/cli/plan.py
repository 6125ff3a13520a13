"""Owns `bestofn plan`: how a generator and what scores it share one GPU."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import typer
from pydantic import ByteSize, TypeAdapter, ValidationError
from rich.console import Console
from rich.table import Table

from bestofn.builders.generator import generator_name
from bestofn.builders.reward_plan import RewardPlan
from bestofn.core.errors import ConfigError
from bestofn.gpu_memory.advice import refusal, size
from bestofn.gpu_memory.from_models import plan_for
from bestofn.gpu_memory.gpu import detected_card
from bestofn.gpu_memory.planner import GIB, Card, Plan
from bestofn.settings.settings import Settings


@dataclass(frozen=True, slots=True)
class _Part:
    name: str
    bytes: int
    exact: bool


def run(
    settings: Settings,
    *,
    gpu_memory: str | None,
    max_model_len: int | None,
    fp8_cache: bool,
    as_json: bool,
) -> None:
    """Print the plan of what `settings` name; nothing but configs and headers is read.

    Args:
        settings: names the models, best_of and max_tokens.
        gpu_memory: of the card, with its unit; None: the card that is here.
        max_model_len: tokens of prompt and response; None: the most that fit.
        fp8_cache: whether the generator's cache is in fp8.
        as_json: print one JSON object instead of tables.

    Raises:
        ConfigError: it does not fit, a size is wrong, or there is no card and none was given.
        ModelError: a model cannot be found or does not say how large it is.
    """
    if settings.upstream is not None:
        raise ConfigError("an upstream samples elsewhere: there is nothing to plan here")
    plan = plan_for(
        generator_name(settings),
        RewardPlan.of(settings).local_models,
        _card(gpu_memory),
        best_of=settings.best_of,
        response_tokens=settings.max_tokens or settings.server.assumed_max_tokens,
        max_model_len=max_model_len,
        fp8_cache=fp8_cache,
    )
    if not plan.fits:
        raise ConfigError(refusal(plan))
    if as_json:
        typer.echo(json.dumps(_row(plan), ensure_ascii=False))
    else:
        console = Console()
        console.print(_table(plan))
        console.print("\n".join(_lines(plan)), highlight=False)


def _card(gpu_memory: str | None) -> Card:
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
        raise ConfigError(f"--gpu-memory {gpu_memory} is {total:,} bytes: write 24GiB")
    return Card.empty(int(total))


def _parts(plan: Plan) -> Iterator[_Part]:
    yield _Part(f"{plan.engine.name}: weights", plan.engine_weights, True)
    yield _Part("its activations", plan.engine_activations, False)
    yield _Part("its KV cache", plan.kv_bytes, True)
    largest = max((scorer.activation_bytes for scorer in plan.scorers), default=0)
    for scorer in plan.scorers:
        how = f" in {scorer.quantization}" if scorer.quantization else ""
        yield _Part(f"{scorer.name}: weights{how}", scorer.weight_bytes, True)
        yield _Part(f"its cache of {scorer.cache_tokens:,} tokens", scorer.cache_bytes, True)
    if plan.scorers:
        batch = max(scorer.batch_tokens for scorer in plan.scorers)
        yield _Part(f"a reward batch of {batch:,} tokens", largest, False)
    yield _Part("CUDA contexts and graphs", plan.runtime, False)
    yield _Part("headroom", plan.headroom, False)
    if taken := plan.card.total - plan.card.free:
        yield _Part("taken by others", taken, True)


def _table(plan: Plan) -> Table:
    table = Table(title=f"{size(plan.card.total)} of GPU memory", show_footer=True)
    table.add_column("part", footer="together", overflow="fold")
    table.add_column("memory", justify="right", footer=size(plan.card.total))
    table.add_column("", footer="")
    for part in _parts(plan):
        table.add_row(part.name, size(part.bytes), "" if part.exact else "estimated")
    return table


def _lines(plan: Plan) -> Iterator[str]:
    token = plan.engine.shape.token_bytes(plan.engine.cache_item)
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
        "kv_bytes_per_token": plan.engine.shape.token_bytes(plan.engine.cache_item),
        "kv_tokens": plan.kv_tokens,
        "max_model_len": plan.context,
        "best_of": plan.best_of,
        "max_tokens": min(plan.response_tokens, plan.context),
        "candidates_of_one_prompt": plan.candidates_of_one_prompt,
        "candidates_alone": plan.candidates_alone,
        "engine_flags": plan.engine_flags(),
    }
