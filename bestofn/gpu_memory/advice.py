"""Advice where models do not fit on a GPU: the arithmetic, and changes that would make them fit.

    refusal(plan)    "a and b do not fit in 24.0 GiB: weights ... What would fit: best_of 3; ..."

Every change is planned again before it is named.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from pydantic import ByteSize

from bestofn.gpu_memory.planner import GIB, Card, Plan, largest_fitting
from bestofn.settings.choices import Quantization

CARDS = (16, 24, 32, 40, 48, 80, 96, 141, 180)
"""Memory of cards that one can have, in GiB as they are sold."""

LEAST_PROMPT = 512
"""A context that leaves fewer tokens than this beside a response is not offered."""

SMALL_CACHE = 1024
"""Tokens that reward models keep for candidates that come later, where memory is short."""

QUANTIZATIONS: tuple[Quantization, ...] = ("8bit", "4bit")


@dataclass(frozen=True, slots=True)
class Change:
    """Changes that are made together.

    Args:
        texts: of each, for a reader.
        plan: with them.
    """

    texts: tuple[str, ...]
    plan: Plan

    def __str__(self) -> str:
        return " with ".join(self.texts)


def size(count: int) -> str:
    """Bytes as a person reads them."""
    return ("-" if count < 0 else "") + ByteSize(abs(count)).human_readable(separator=" ")


def refusal(plan: Plan) -> str:
    """Why it does not fit, and what would."""
    scored = "".join(f" and {scorer.name}" for scorer in plan.reward_models)
    parts = [
        f"weights {size(plan.generator_weights)}",
        *(f"{size(scorer.weight_bytes)} ({scorer.name})" for scorer in plan.reward_models),
    ]
    scoring = sum(each.weight_bytes for each in plan.reward_models)
    rest = plan.before_cache - plan.generator_weights - scoring
    need, response = plan.needs(plan.context), min(plan.response_tokens, plan.context)
    first = (
        f"{plan.generator.name}{scored} do not fit in {size(plan.card.free)}: "
        f"{' + '.join(parts)} + activations, reward caches, CUDA contexts and headroom "
        f"{size(rest)} + a cache of {size(need)} for {plan.best_of} candidates of {response:,} "
        f"tokens in a context of {plan.context:,} = {size(plan.before_cache + need)}"
    )
    found = changes(plan)
    if not found:
        return f"{first}; no change of settings and no card of {CARDS[-1]} GiB would do"
    return f"{first}. What would fit: " + "; ".join(map(str, found))


def changes(plan: Plan) -> list[Change]:
    """The fewest changes at once with which it fits, each way of making them; a larger card."""
    found: dict[int, list[Change]] = {}
    for scoring in _of_reward_models(plan):
        if scoring.texts and scoring.plan.fits:
            found.setdefault(len(scoring.texts), []).append(scoring)
        for sampling in _of_generator(scoring.plan):
            both = Change((*scoring.texts, *sampling.texts), sampling.plan)
            found.setdefault(len(both.texts), []).append(both)
    least = found[min(found)] if found else []
    return [*least, *_of_card(plan)]


def _of_reward_models(plan: Plan) -> Iterator[Change]:
    """What may become of the reward models, nothing included; whether it fits is not looked at."""
    yield Change((), plan)
    if not plan.reward_models:
        return
    which = "reward models" if len(plan.reward_models) > 1 else "reward model"
    kinds: list[Quantization | None] = [None]
    if any(scorer.quantization is None for scorer in plan.reward_models):
        kinds += QUANTIZATIONS
    for kind in kinds:
        named: tuple[str, ...] = ()
        changed = plan
        if kind is not None:
            named = (f"the {which} in {kind} (reward.quantization)",)
            quantised = [
                replace(scorer, quantization=scorer.quantization or kind)
                for scorer in plan.reward_models
            ]
            changed = replace(plan, reward_models=quantised)
            yield Change(named, changed)
        if any(scorer.cache_tokens > SMALL_CACHE for scorer in plan.reward_models):
            small = [
                replace(scorer, cache_tokens=min(scorer.cache_tokens, SMALL_CACHE))
                for scorer in changed.reward_models
            ]
            text = f"reward.cache_tokens {SMALL_CACHE:,}"
            yield Change((*named, text), replace(changed, reward_models=small))


def _of_generator(plan: Plan) -> Iterator[Change]:
    """What of the generator makes it fit."""
    if plan.generator.cache_item > 1:
        changed = replace(plan, generator=replace(plan.generator, cache_item=1))
        if changed.fits:
            yield Change(("a KV cache in fp8 (--kv-cache-dtype fp8)",), changed)
    shorter = largest_fitting(
        min(LEAST_PROMPT + plan.response_tokens, plan.context),
        plan.context - 1,
        lambda tokens: replace(plan, wanted_context=tokens).fits,
    )
    if shorter:
        changed = replace(plan, wanted_context=shorter)
        yield Change((f"a context of {shorter:,} tokens (--max-model-len)",), changed)
    fewer = largest_fitting(1, plan.best_of - 1, lambda count: replace(plan, best_of=count).fits)
    if fewer:
        yield Change((f"best_of {fewer}",), replace(plan, best_of=fewer))


def _of_card(plan: Plan) -> Iterator[Change]:
    for memory in CARDS:
        larger = replace(plan, card=Card.empty(memory * GIB))
        if larger.card.total > plan.card.total and larger.fits:
            yield Change((f"a card of {memory} GiB",), larger)
            return
