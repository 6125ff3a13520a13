"""Programs run in the first form that works, and without walls only where somebody said so."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator

import pytest

from bestofn.builders.reward_plan import RewardPlan
from bestofn.core.errors import ConfigError
from bestofn.rewards.verifiers.open import open_verifier
from bestofn.rewards.verifiers.sandbox import choice
from bestofn.rewards.verifiers.sandbox.forms import WALLED
from bestofn.settings.settings import Settings
from bestofn.settings.verifier import VerifierSettings

pytestmark = pytest.mark.model

REWARDS = [{"kind": "verifier", "check": "code"}, {"kind": "verifier", "check": "math"}]


@pytest.fixture
def _nothing_works(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    def refused(*_: object, **__: object) -> None:
        raise PermissionError("unshare: Operation not permitted")

    monkeypatch.setattr(shutil, "which", lambda _: None)
    monkeypatch.setattr(subprocess, "run", refused)
    choice.why_not.cache_clear()
    yield
    choice.why_not.cache_clear()


@pytest.mark.usefixtures("_nothing_works")
def test_where_there_can_be_no_walls_the_verifier_does_not_open() -> None:
    with pytest.raises(ConfigError) as caught:
        open_verifier(VerifierSettings(check="code"))
    said = str(caught.value)
    assert "\n" not in said
    for part in ("bubblewrap is not installed (apt install bubblewrap)", "--unsafe-code"):
        assert part in said
    assert "namespaces: unshare: Operation not permitted" in said


@pytest.mark.usefixtures("_nothing_works")
def test_on_demand_it_runs_without(caplog: pytest.LogCaptureFixture) -> None:
    open_verifier(VerifierSettings(check="code", unsafe=True)).close()
    assert "programs run without walls" in caplog.text


def test_walls_are_taken_where_there_are_some_whatever_is_demanded() -> None:
    if all(choice.why_not(form) for form in WALLED):
        pytest.skip("no walls here")
    assert choice.choose(unsafe=True) in WALLED


def test_the_flag_is_for_the_code_verifier_alone() -> None:
    plan = RewardPlan.of(Settings.load(rewards=REWARDS, unsafe_code=True))
    assert [reward.options.get("unsafe") for reward in plan.rewards] == [True, None]
    assert plan.runs_code
    assert not RewardPlan.of(Settings.load(rewards=REWARDS[1:])).runs_code
    own = [{**REWARDS[0], "unsafe": False}]
    plan = RewardPlan.of(Settings.load(rewards=own, unsafe_code=True))
    assert plan.rewards[0].options["unsafe"] is False
