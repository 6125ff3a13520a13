"""The section `stop` as people spell it: in a file, a flag, the environment and a request."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from bestofn.core.errors import ConfigError
from bestofn.settings.settings import Settings
from bestofn.settings.stopping import StopSettings

WORDS = "evidence share=0.6 waves=2"
SECTION = StopSettings(rule="evidence", share=0.6, waves=2)


@pytest.mark.parametrize(
    "given", [WORDS, {"rule": "evidence", "share": 0.6, "waves": 2}, SECTION.model_dump_json()]
)
def test_words_a_section_and_json_say_the_same(given: Any) -> None:
    assert StopSettings.model_validate(given) == SECTION
    assert Settings.load(stop=given).stop == SECTION


@pytest.mark.parametrize("given", [WORDS, '{"rule": "evidence", "share": 0.6, "waves": 2}'])
def test_the_environment_says_it_too(given: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BESTOFN_STOP", given)
    assert Settings.load().stop == SECTION


def test_the_environment_names_single_options(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BESTOFN_STOP__RULE", "agreement")
    monkeypatch.setenv("BESTOFN_STOP__VOTES", "3")
    assert Settings.load().stop == StopSettings(rule="agreement", votes=3)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("", "stop.rule: must be 'none', 'auto'"),
        ("acepted", "stop.rule: must be 'none', 'auto'"),
        ("accepted count", "'count' is no option with a value"),
        ("accepted count=", "is no option with a value"),
        ("accepted count=3 count=4", "count is given twice"),
        ("evidence rule=accepted", "rule is given twice"),
        ("agreement share=0.5", "share is an option of auto or evidence"),
    ],
)
def test_what_says_nothing_is_refused_in_one_sentence(given: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said) as caught:
        Settings.load(stop=given)
    assert "\n" not in str(caught.value)
    with pytest.raises(ValidationError):
        StopSettings.model_validate(given)


@pytest.mark.parametrize(
    ("given", "stops"),
    [
        ("none", False),
        ("auto", True),
        ("evidence", False),
        ("auto loops=false", False),
        ("none loops=true", True),
        ({"loops": True}, True),
        ({"rule": "accepted", "count": 2, "loops": True}, True),
    ],
)
def test_loops_are_stopped_by_auto_and_where_it_is_said(given: Any, stops: bool) -> None:
    assert StopSettings.model_validate(given).stops_loops is stops


def test_pruning_is_spelt_beside_the_rule() -> None:
    given = StopSettings.model_validate("accepted count=4 prune=0.5 prune_at=32 prune_min=3")
    assert (given.prune, given.prune_at, given.prune_min) == (0.5, 32, 3)
    assert StopSettings.model_validate({"prune": 0.25}).rule == "none"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("none prune=1", "stop.prune: must be below 1"),
        ("none prune=0.5 prune_at=3", "stop.prune_at: must be at least 8"),
        ("none prune_min=3", "prune_min is an option of prune, which is not set"),
        ("none loops=maybe", "stop.loops: must be true or false"),
    ],
)
def test_what_cannot_be_done_in_mid_decode_is_refused(given: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        Settings.load(stop=given)
