"""Plans of an 8B generator beside a 7B reward model, and what holds of every plan."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bestofn.core.errors import ConfigError
from bestofn.gpu_memory.advice import changes, refusal
from bestofn.gpu_memory.checkpoint_size import WeightSizes
from bestofn.gpu_memory.from_models import plan_for
from bestofn.gpu_memory.model_shape import LayerCache, Shape
from bestofn.gpu_memory.planner import (
    CONTEXT_BYTES,
    GIB,
    GRAPH_BYTES,
    Card,
    GeneratorSize,
    Plan,
    RewardModelSize,
    largest_fitting,
)
from bestofn.settings.rewards import RewardSettings

GENERATOR, REWARD = 2 * 8_030_261_248, 2 * 6_607_351_808
"""Bytes of both in half precision, by their headers."""

TOKEN = 131_072
"""Bytes of a token in the generator's cache: 2 x 32 layers x 8 heads x 128 x 2."""


def plan_on(memory: int, pair: tuple[Path, Path], **options: object) -> Plan:
    generator, reward = pair
    given: dict[str, object] = {"best_of": 16, "response_tokens": 1024, **options}
    settings = RewardSettings.model_validate(given.pop("reward", {}))
    card = Card.empty(memory * GIB)
    return plan_for(str(generator), [(str(reward), settings)], card, **given)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def pair(generator_8b: Path, reward_7b: Path) -> tuple[Path, Path]:
    return generator_8b, reward_7b


@pytest.mark.parametrize("memory", [48, 80, 141])
def test_the_split_is_that_of_headers_and_formula(memory: int, pair: tuple[Path, Path]) -> None:
    plan = plan_on(memory, pair)
    assert plan.fits
    assert plan.generator_weights == pytest.approx(GENERATOR, rel=1e-9)
    assert plan.reward_models[0].weight_bytes == pytest.approx(REWARD, rel=1e-9)
    assert plan.reward_models[0].cache_bytes == 8192 * 4 * TOKEN
    estimated = plan.generator_activations + plan.reward_models[0].activation_bytes + plan.headroom
    estimated += GRAPH_BYTES + 2 * CONTEXT_BYTES
    left = memory * GIB - GENERATOR - REWARD - 8192 * 4 * TOKEN - estimated
    assert plan.kv_tokens == pytest.approx(left / TOKEN, rel=0.05)
    # what is estimated is a small part of the card
    assert estimated < 0.15 * memory * GIB
    assert plan.candidates_alone == left // (plan.context * TOKEN)


def test_the_context_is_the_models_where_it_fits(pair: tuple[Path, Path]) -> None:
    assert plan_on(80, pair).context == 131_072
    smaller = plan_on(48, pair)
    assert 16_384 < smaller.context < 131_072
    assert smaller.needs(smaller.context) <= smaller.kv_bytes < smaller.needs(smaller.context + 1)
    assert f"--max-model-len={smaller.context}" in smaller.engine_flags()
    assert not any("max-model-len" in flag for flag in plan_on(80, pair).engine_flags())


def test_vllms_share_leaves_the_reward_model_its_own(pair: tuple[Path, Path]) -> None:
    plan = plan_on(80, pair)
    (flag,) = plan.engine_flags()
    share = float(flag.removeprefix("--gpu-memory-utilization=")) * 80 * GIB
    assert share <= 80 * GIB - plan.reward_bytes - plan.runtime - plan.headroom
    assert share >= plan.generator_weights + plan.generator_activations + 0.99 * plan.kv_bytes


def test_24_gib_are_too_few_and_what_would_do_is_named(pair: tuple[Path, Path]) -> None:
    plan = plan_on(24, pair)
    assert not plan.fits
    sentence = refusal(plan)
    assert "do not fit in 24.0 GiB: weights 15.0 GiB + 12.3 GiB" in sentence
    assert "the reward model in 4bit (reward.quantization) with reward.cache_tokens" in sentence
    assert "with best_of " in sentence
    assert "a card of 40 GiB" in sentence
    found = changes(plan)
    assert len(found) >= 2
    assert all(change.plan.fits for change in found)


def test_one_change_is_offered_where_one_is_enough(pair: tuple[Path, Path]) -> None:
    plan = plan_on(48, pair, best_of=120, max_model_len=16_384)
    assert not plan.fits
    texts = [str(change) for change in changes(plan)]
    assert [text.partition(" (")[0] for text in texts] == [
        "a KV cache in fp8",
        "best_of 83",
        "the reward model in 8bit",
        "the reward model in 4bit",
        "a card of 80 GiB",
    ]


def test_a_context_above_the_models_is_refused(pair: tuple[Path, Path]) -> None:
    with pytest.raises(ConfigError, match=r"max_model_len is 200,000, and .* takes 131,072"):
        plan_on(141, pair, max_model_len=200_000)


def test_reward_settings_count(pair: tuple[Path, Path]) -> None:
    plain = plan_on(80, pair)
    quantised = plan_on(80, pair, reward={"quantization": "8bit"})
    small = plan_on(80, pair, reward={"cache_tokens": 0, "max_batch_tokens": 1024})
    double = plan_on(80, pair, reward={"dtype": "float32"})
    assert plain.kv_bytes < quantised.kv_bytes < plain.kv_bytes + REWARD // 2
    assert small.kv_bytes - plain.kv_bytes > 8192 * 4 * TOKEN
    assert plain.kv_bytes - double.kv_bytes > REWARD


def test_what_others_use_is_not_planned(pair: tuple[Path, Path]) -> None:
    plan = plan_on(80, pair)
    busy = replace(plan, card=Card(80 * GIB, 70 * GIB))
    assert plan.kv_bytes - busy.kv_bytes == 10 * GIB
    assert busy.engine_flags() < plan.engine_flags()


@given(st.integers(0, 50), st.integers(0, 50), st.integers(0, 60))
def test_most_is_the_largest_that_fits(low: int, more: int, bound: int) -> None:
    high = low + more
    expected = max((n for n in range(low, high + 1) if n <= bound), default=None)
    assert largest_fitting(low, high, lambda n: n <= bound) == expected


sizes = st.builds(
    WeightSizes,
    st.integers(0, 20 * GIB),
    st.integers(0, 2 * GIB),
    st.integers(0, 2 * GIB),
)
shapes = st.builds(
    Shape,
    hidden=st.integers(64, 8192),
    intermediate=st.integers(64, 32_768),
    vocab=st.integers(1000, 200_000),
    context=st.none() | st.integers(512, 200_000),
    layers=st.lists(
        st.builds(LayerCache, st.integers(0, 8192), st.none() | st.integers(16, 8192)),
        min_size=1,
        max_size=8,
    ).map(tuple),
)
plans = st.builds(
    Plan,
    card=st.integers(GIB, 200 * GIB).map(Card.empty),
    generator=st.builds(
        GeneratorSize, st.just("g"), sizes, shapes, cache_item=st.sampled_from([1, 2])
    ),
    reward_models=st.lists(
        st.builds(
            RewardModelSize,
            st.just("r"),
            sizes,
            shapes,
            quantization=st.sampled_from([None, "8bit", "4bit"]),
        ),
        max_size=3,
    ),
    best_of=st.integers(1, 256),
    response_tokens=st.integers(1, 8192),
)


@pytest.mark.long
@given(plans)
def test_every_plan_adds_up_and_every_offer_fits(plan: Plan) -> None:
    assert plan.before_cache + plan.kv_bytes == plan.card.free
    if plan.fits:
        assert plan.candidates_of_one_prompt >= plan.best_of
        share = float(plan.engine_flags()[0].partition("=")[2])
        assert 0 < share < 1
    else:
        assert "fit" in refusal(plan) or "would do" in refusal(plan)
        assert all(change.plan.fits for change in changes(plan))


@given(plans, st.integers(0, 50 * GIB))
def test_more_memory_never_takes_anything_away(plan: Plan, more: int) -> None:
    larger = replace(plan, card=Card(plan.card.total, plan.card.free + more))
    assert larger.kv_tokens >= plan.kv_tokens
    assert larger.context >= plan.context
    assert larger.fits or not plan.fits
