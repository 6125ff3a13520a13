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
