"""What scores, from the settings: short forms, names, and one sentence for each mistake."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bestofn import embedded
from bestofn.builders.reward_plan import RewardPlan
from bestofn.builders.rewards import open_reward_model
from bestofn.core.errors import ConfigError, ModelError
from bestofn.core.types import Candidate, Request
from bestofn.settings.rewards import EnsembleSettings, RewardSpec
from bestofn.settings.settings import Settings

EMBEDDED = str(embedded.reward_path())
NOBODY = "http://127.0.0.1:9"
REQUEST = Request.from_prompt("What is 8 - 5?")
ANSWERS = [Candidate(i, {"role": "assistant", "content": t}, "stop") for i, t in enumerate("37")]

pytestmark = pytest.mark.model


async def _rewards(settings: Settings) -> list[float | None]:
    async with open_reward_model(RewardPlan.of(settings)) as reward_model:
        assert reward_model is not None
        return [score.reward for score in await reward_model.score(REQUEST, ANSWERS)]


def test_rewards_have_short_forms(tmp_path: Path) -> None:
    path = tmp_path / "settings.yaml"
    path.write_text(
        "rewards:\n"
        "  - org/some-reward\n"
        "  - https://gpu-2:8001\n"
        "  - {kind: judge, url: 'http://gpu-3:8000', mode: pairwise, weight: 2, name: judge}\n"
        "  - {kind: verifier, check: math, options: {precision: 3}}\n"
        "ensemble: {combine: worst}\n",
        encoding="utf-8",
    )
    settings = Settings.load(path)
    assert settings.rewards == [
        RewardSpec(kind="model", options={"model": "org/some-reward"}),
        RewardSpec(kind="server", options={"url": "https://gpu-2:8001"}),
        RewardSpec(
            kind="judge",
            name="judge",
            weight=2,
            options={"url": "http://gpu-3:8000", "mode": "pairwise"},
        ),
        RewardSpec(kind="verifier", options={"check": "math", "options": {"precision": 3}}),
    ]
    assert settings.ensemble == EnsembleSettings(combine="worst")
    assert RewardPlan.of(settings).name == "some-reward+gpu-2:8001+judge+math"


def test_a_pairwise_ranker_has_its_part_of_the_section_of_local_models() -> None:
    ranker = {"kind": "pairwise", "model": "org/ranker", "too_long": "truncate_right"}
    reward: Any = {"device": "cpu", "too_long": "truncate_left", "cache_tokens": 7, "threads": 1}
    (planned,) = RewardPlan.of(Settings.load(rewards=[ranker], reward=reward)).rewards
    assert planned.options["device"] == "cpu"
    assert planned.options["too_long"] == "truncate_right"
    assert planned.options.keys().isdisjoint({"cache_tokens", "threads"})


def test_what_scores_has_a_name() -> None:
    assert RewardPlan.of(Settings()).name == embedded.REWARD_NAME
    assert RewardPlan.of(Settings(reward_model="none")).name is None
    assert RewardPlan.of(Settings(reward_model="org/some-reward")).name == "org/some-reward"


async def test_none_scores_nothing() -> None:
    async with open_reward_model(RewardPlan.of(Settings(reward_model="none"))) as reward_model:
        assert reward_model is None


async def test_one_model_is_the_same_however_it_is_named() -> None:
    expected = await _rewards(Settings())
    assert await _rewards(Settings(reward_model=EMBEDDED)) == pytest.approx(expected, abs=1e-4)
    assert await _rewards(Settings.load(rewards=[EMBEDDED])) == pytest.approx(expected, abs=1e-4)


async def test_the_section_of_local_models_holds_where_one_says_nothing_else() -> None:
    reward: Any = {"template": "{{ response }}"}
    bare = await _rewards(Settings.load(rewards=[EMBEDDED], reward=reward))
    assert bare != pytest.approx(await _rewards(Settings()), abs=1e-3)
    own = {"model": EMBEDDED, "template": "{{ response }}"}
    assert await _rewards(Settings.load(rewards=[own])) == bare


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (
            {"rewards": [{"model": EMBEDDED, "max_batch_tokens": "x"}]},
            "max_batch_tokens: must be a whole number",
        ),
        ({"rewards": [{"model": EMBEDDED, "dtypo": 1}]}, "dtypo: there is no such option"),
        ({"rewards": [{"kind": "model"}]}, "model: has to be given"),
        ({"rewards": [{"kind": "judge"}]}, "rewards: judge: url: has to be given"),
        ({"rewards": [{"kind": "judge", "url": NOBODY, "mode": "x"}]}, "mode: must be"),
        ({"rewards": [{"kind": "judge", "url": NOBODY, "modus": "x"}]}, "modus: there is no such"),
        (
            {"rewards": [{"kind": "judge", "url": NOBODY, "concurrency": 0}]},
            "rewards: 127.0.0.1:9: concurrency: must be at least 1",
        ),
        (
            {"rewards": [{"kind": "server", "url": NOBODY, "concurrency": -3}]},
            "concurrency: must be at least 1",
        ),
        ({"rewards": [{"kind": "judge", "url": NOBODY}]}, f"{NOBODY} cannot be reached"),
        ({"rewards": [EMBEDDED, EMBEDDED]}, "several rewards are called reward: give each a name"),
        ({"rewards": [EMBEDDED], "ensemble": {}}, "give rewards, two or more"),
        ({"rewards": [{"model": EMBEDDED, "weight": 2}]}, "give rewards, two or more"),
        ({"rewards": [EMBEDDED], "reward_model": "x"}, "reward_model is x, and rewards are given"),
    ],
)
async def test_a_mistake_gets_one_sentence(given: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ConfigError) as caught:
        await _rewards(Settings.load(**given))
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_unknown_kind_is_refused_with_those_there_are() -> None:
    with pytest.raises(ConfigError, match=r"rewards\.0\.kind: must be 'model'"):
        Settings.load(rewards=[{"kind": "modle", "model": EMBEDDED}])


async def test_a_generator_is_no_pairwise_ranker() -> None:
    with pytest.raises(ModelError, match="is no pairwise ranker"):
        await _rewards(Settings.load(rewards=[{"kind": "pairwise", "model": EMBEDDED}]))
