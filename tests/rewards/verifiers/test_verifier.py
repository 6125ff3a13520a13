"""Verifiers of one's own: every verdict is a reward or a named failure, wherever the check runs."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from bestofn.builders.reward_plan import RewardPlan
from bestofn.builders.rewards import open_reward_model
from bestofn.core.errors import ConfigError
from bestofn.core.types import Candidate, Request
from bestofn.rewards.verifiers.open import open_verifier
from bestofn.rewards.verifiers.verifier import VerifierRewardModel
from bestofn.settings.settings import Settings
from bestofn.settings.verifier import VerifierSettings
from tests.support.rewards.answering import candidates_of, verdict

PATH = "tests.support.rewards.answering:verdict"
REQUEST = Request.from_prompt("?")


async def _say(opened: VerifierRewardModel, texts: list[str]) -> list[Any]:
    try:
        scores = await opened.score(REQUEST, candidates_of(texts))
    finally:
        opened.close()
    return [s.reward if s.failure is None else s.failure.reason for s in scores]


@pytest.mark.parametrize("where", ["process", "thread"])
async def test_every_verdict_is_a_reward_or_a_named_failure(where: str) -> None:
    check: Any = PATH if where == "process" else verdict
    texts = ["good", "bad", "half", "exit", "raise", "nan", "none", "text", "failure", "good"]
    assert await _say(VerifierRewardModel(check, timeout=20, concurrency=2), texts) == [
        1.0, 0.0, 0.5, "verifier_error", "verifier_error", "reward_not_finite", "no_verdict",
        "wrong_type", "unclear", 1.0,
    ]  # fmt: skip


async def test_a_worker_that_hangs_or_dies_costs_one_candidate() -> None:
    opened = VerifierRewardModel(PATH, timeout=1, concurrency=2)
    started = time.monotonic()
    found = await _say(opened, ["sleep", "die", "good", "sleep", "bad"])
    assert found == ["verifier_timeout", "verifier_error", 1.0, "verifier_timeout", 0.0]
    assert time.monotonic() - started < 30


async def test_an_async_check_is_cancelled_at_its_time() -> None:
    opened = open_verifier(
        VerifierSettings(check="tests.support.rewards.answering:awaited", timeout=0.1)
    )
    assert await _say(opened, ["good", "sleep", "bad"]) == [1.0, "verifier_timeout", 0.0]


async def test_options_go_to_the_check() -> None:
    assert await _say(
        open_verifier(VerifierSettings(check=PATH, options={"good": "bad"})), ["good", "bad"]
    ) == [0.0, 1.0]


async def test_cancelling_leaves_the_verifier_usable() -> None:
    opened = VerifierRewardModel(PATH, timeout=30, concurrency=1)
    try:
        await opened.score(REQUEST, candidates_of(["good"]))
        running = asyncio.create_task(opened.score(REQUEST, candidates_of(["sleep"])))
        await asyncio.sleep(0.2)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        async with asyncio.timeout(20):
            (score,) = await opened.score(REQUEST, candidates_of(["good"]))
        assert score.reward == 1.0
    finally:
        opened.close()


_SLOW = """
import os, pathlib, time
here = pathlib.Path(__file__).parent
if os.getpid() != {test}:
    with (here / "started").open("a") as started:
        print(os.getpid(), file=started)
    while not (here / "go").exists():
        time.sleep(0.01)

def verdict(request, candidate):
    return True
"""


async def test_a_worker_that_starts_longer_than_anybody_waits_is_kept_for_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where probes of readiness wait 5 s, and what the check imports takes 10."""
    (tmp_path / "slow_check.py").write_text(_SLOW.format(test=os.getpid()), encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "slow_check", raising=False)
    opened = VerifierRewardModel("slow_check:verdict", concurrency=1)
    waiting = asyncio.create_task(opened.score(REQUEST, candidates_of(["one"])))
    while not (tmp_path / "started").exists():
        await asyncio.sleep(0.01)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    (tmp_path / "go").touch()
    assert await _say(opened, ["two"]) == [1.0]
    assert len((tmp_path / "started").read_text().splitlines()) == 1


async def test_no_more_run_at_once_than_was_asked_for() -> None:
    running = most = 0

    async def check(request: Request, candidate: Candidate) -> bool:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.01)
        running -= 1
        return True

    opened = VerifierRewardModel(check, concurrency=3)
    await asyncio.gather(*(opened.score(REQUEST, candidates_of(["a"] * 10)) for _ in range(3)))
    assert most == 3


@pytest.mark.parametrize(
    ("check", "options", "sentence"),
    [
        ("maths", {}, "no verifier is called 'maths'; there are math, code, json_schema"),
        ("nowhere.at_all:check", {}, "nowhere.at_all cannot be imported"),
        ("tests.support.rewards.answering:nothing", {}, "has no nothing"),
        ("tests.support.rewards.answering:NUMBER", {}, "is not callable"),
        (PATH, {"options": {"bad": 1}}, "has no option bad"),
        (PATH, {"options": {"goood": 1}}, "has no option goood; did you mean good?"),
        (PATH, {"timeout": -1.0}, "timeout"),
        ("code", {"options": {"partial": True, "speed": 3}}, "does not take speed; it takes"),
        ("json_schema", {"memory_mb": 5}, "does not take memory_mb"),
        ("json_schema", {"options": {"schema": {"type": 5}}}, "schema of the JSON verifier"),
    ],
)
def test_a_mistake_gets_one_sentence(check: str, options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ConfigError) as caught:
        open_verifier(VerifierSettings(check=check, **options))
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


async def test_settings_open_one() -> None:
    settings = Settings.load(rewards=[{"kind": "verifier", "check": PATH}])
    async with open_reward_model(RewardPlan.of(settings)) as opened:
        assert opened is not None
        (score,) = await opened.score(REQUEST, candidates_of(["good"]))
    assert score.reward == 1.0
