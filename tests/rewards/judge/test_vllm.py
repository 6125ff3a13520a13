"""Judges over vLLM's own server: it takes the schema and gives log-probabilities.

The embedded generator is no judge, so its verdicts are nonsense; that they are read is what counts.
"""

from __future__ import annotations

import math
from typing import Any

import pytest

from bestofn.generators.vllm import VllmGenerator
from bestofn.rewards.judge.itself import Itself
from bestofn.rewards.judge.open import open_judge
from bestofn.settings.judge import JudgeSettings
from tests.support.rewards.judges import REQUEST, candidates

SHORT = "{% for answer in answers %}{{ answer.text }} {% endfor %}?"
"""The embedded model reads no more than 1,024 tokens, of which English takes many."""

WRITTEN: dict[str, Any] = {"reasons": False, "max_tokens": 64}
"""It would not come to an end of its reasons."""

MODES: list[dict[str, Any]] = [
    {"mode": "pointwise", **WRITTEN},
    {"mode": "pointwise", "samples": 2, "temperature": 1.0, **WRITTEN},
    {"mode": "probability", "words": ("3", "2")},
    {"mode": "listwise", **WRITTEN},
    {"mode": "pairwise", **WRITTEN},
    {"mode": "pick", **WRITTEN},
]


@pytest.mark.parametrize("options", MODES, ids=lambda options: options["mode"])
async def test_every_verdict_is_a_reward_or_a_named_failure(
    vllm_server: str, options: dict[str, Any]
) -> None:
    settings = JudgeSettings(url=vllm_server, template=SHORT, **options)
    async with open_judge(settings) as judge:
        scores = await judge.score(REQUEST, candidates(["3", "2", "8 - 5 = 3"]))
    assert len(scores) == 3
    for score in scores:
        assert score.tokens > 0
        if options["mode"] == "listwise" and score.failure is not None:
            # a schema cannot say that the numbers differ
            assert score.failure.reason == "judge_unparsable"
            assert "exactly once" in score.failure.detail
        else:
            assert score.failure is None
            assert score.reward is not None
            assert math.isfinite(score.reward)


@pytest.mark.parametrize("options", MODES[2:], ids=lambda options: options["mode"])
async def test_the_engine_in_this_process_judges_its_own_answers(
    vllm_generator: VllmGenerator, options: dict[str, Any]
) -> None:
    itself = Itself()
    async with open_judge(JudgeSettings(url="self", template=SHORT, **options), itself) as judge:
        assert itself.wanted
        itself.bind(vllm_generator)
        scores = await judge.score(REQUEST, candidates(["3", "2", "8 - 5 = 3"]))
    assert all(score.tokens > 0 for score in scores)
    for score in scores:
        assert (score.reward is None) is (score.failure is not None)
    if options["mode"] != "listwise":
        assert all(score.failure is None for score in scores)
