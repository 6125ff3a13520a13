"""Owns what is said where a plan does not fit: the arithmetic, and changes that would fit.

Every change is planned again before it is named.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from pydantic import ByteSize

from bestofn.gpu_memory.planner import GIB, Card, Plan, most
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
    scored = "".join(f" and {scorer.name}" for scorer in plan.scorers)
    parts = [
        f"weights {size(plan.engine_weights)}",
        *(f"{size(scorer.weight_bytes)} ({scorer.name})" for scorer in plan.scorers),
    ]
    rest = plan.before_cache - plan.engine_weights - sum(s.weight_bytes for s in plan.scorers)
    need, response = plan.needs(plan.context), min(plan.response_tokens, plan.context)
    first = (
        f"{plan.engine.name}{scored} do not fit in {size(plan.card.free)}: {' + '.join(parts)} + "
        f"activations, reward caches, CUDA contexts and headroom {size(rest)} + a cache of "
        f"{size(need)} for {plan.best_of} candidates of {response:,} tokens in a context of "
        f"{plan.context:,} = {size(plan.before_cache + need)}"
    )
    found = changes(plan)
    if not found:
        return f"{first}; no change of settings and no card of {CARDS[-1]} GiB would do"
    return f"{first}. What would fit: " + "; ".join(map(str, found))


def changes(plan: Plan) -> list[Change]:
    """The fewest changes at once with which it fits, each way of making them; a larger card."""
    found: dict[int, list[Change]] = {}
    for scorers in _scorers(plan):
        if scorers.texts and scorers.plan.fits:
            found.setdefault(len(scorers.texts), []).append(scorers)
        for engine in _engine(scorers.plan):
            both = Change((*scorers.texts, *engine.texts), engine.plan)
            found.setdefault(len(both.texts), []).append(both)
    least = found[min(found)] if found else []
    return [*least, *_cards(plan)]


def _scorers(plan: Plan) -> Iterator[Change]:
    """What may become of the reward models, nothing included; whether it fits is not looked at."""
    yield Change((), plan)
    if not plan.scorers:
        return
    which = "reward models" if len(plan.scorers) > 1 else "reward model"
    kinds: list[Quantization | None] = [None]
    if any(scorer.quantization is None for scorer in plan.scorers):
        kinds += QUANTIZATIONS
    for kind in kinds:
        named: tuple[str, ...] = ()
        changed = plan
        if kind is not None:
            named = (f"the {which} in {kind} (reward.quantization)",)
            quantised = [
                replace(scorer, quantization=scorer.quantization or kind) for scorer in plan.scorers
            ]
            changed = replace(plan, scorers=quantised)
            yield Change(named, changed)
        if any(scorer.cache_tokens > SMALL_CACHE for scorer in plan.scorers):
            small = [
                replace(scorer, cache_tokens=min(scorer.cache_tokens, SMALL_CACHE))
                for scorer in changed.scorers
            ]
            text = f"reward.cache_tokens {SMALL_CACHE:,}"
            yield Change((*named, text), replace(changed, scorers=small))


def _engine(plan: Plan) -> Iterator[Change]:
    """What of the generator makes it fit."""
    if plan.engine.cache_item > 1:
        changed = replace(plan, engine=replace(plan.engine, cache_item=1))
        if changed.fits:
            yield Change(("a KV cache in fp8 (--kv-cache-dtype fp8)",), changed)
    shorter = most(
        min(LEAST_PROMPT + plan.response_tokens, plan.context),
        plan.context - 1,
        lambda tokens: replace(plan, wanted_context=tokens).fits,
    )
    if shorter:
        changed = replace(plan, wanted_context=shorter)
        yield Change((f"a context of {shorter:,} tokens (--max-model-len)",), changed)
    fewer = most(1, plan.best_of - 1, lambda count: replace(plan, best_of=count).fits)
    if fewer:
        yield Change((f"best_of {fewer}",), replace(plan, best_of=fewer))


def _cards(plan: Plan) -> Iterator[Change]:
    for memory in CARDS:
        larger = replace(plan, card=Card.empty(memory * GIB))
        if larger.card.total > plan.card.total and larger.fits:
            yield Change((f"a card of {memory} GiB",), larger)
            return
