"""Variables of the environment, as people write them: a word, JSON, YAML in braces, one option."""

from __future__ import annotations

import pytest

from bestofn.core.errors import ConfigError
from bestofn.settings.sections import FilterSpec, SelectorSettings
from bestofn.settings.settings import Settings
from bestofn.settings.stopping import StopSettings

HOT = SelectorSettings(name="weighted_vote", options={"temperature": 0.5})


@pytest.mark.parametrize("load", [Settings, Settings.load])
def test_a_bare_word_is_a_name_wherever_a_flag_takes_one(
    load: type[Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BESTOFN_SELECTOR", "vote")
    monkeypatch.setenv("BESTOFN_ANSWER_KEY", "number")
    monkeypatch.setenv("BESTOFN_STOP", "auto")
    monkeypatch.setenv("BESTOFN_UPSTREAM", "http://a")
    settings = load()
    assert (settings.selector.name, settings.answer_key.name) == ("vote", "number")
    assert (settings.stop, settings.upstream) == (StopSettings(rule="auto"), "http://a")


@pytest.mark.parametrize(
    "written",
    ['{"weighted_vote": {"temperature": 0.5}}', "{weighted_vote: {temperature: 0.5}}"],
)
def test_options_are_json_or_what_the_flag_takes(
    written: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BESTOFN_SELECTOR", written)
    monkeypatch.setenv("BESTOFN_FILTERS", "[empty, {length: {max_tokens: 3}}]")
    monkeypatch.setenv("BESTOFN_UPSTREAM", '["http://a", "http://b"]')
    settings = Settings.load()
    assert settings.selector == HOT
    assert settings.filters == [
        FilterSpec(name="empty"),
        FilterSpec(name="length", options={"max_tokens": 3}),
    ]
    assert settings.upstream == ["http://a", "http://b"]


def test_an_option_by_itself_adds_to_a_section_and_contradicts_a_word(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("BESTOFN_STOP__MIN", "4")
    monkeypatch.setenv("BESTOFN_STOP", '{"rule": "auto"}')
    assert Settings.load().stop == StopSettings(rule="auto", min=4)
    monkeypatch.setenv("BESTOFN_STOP", "auto")
    with pytest.raises(ConfigError, match=r"^BESTOFN_STOP is a text, so no BESTOFN_STOP__\.\.\. "):
        Settings.load()


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("SELECTOR", "{weighted_vote", r"^BESTOFN_SELECTOR: neither JSON nor YAML: "),
        ("FILTERS", "empty", r"^filters: must be a list$"),
        ("POLICY", "resample", r"^policy: must be a mapping$"),
        ("ENSEMBLE", "mean", r"^ensemble: must be a mapping$"),
        ("BEST_OF", "many", r"^best_of: must be a whole number$"),
        ("BEST_OF", "0", r"^best_of: must be at least 1$"),
        ("TEMPERATURE", "3", r"^temperature: must be at most 2$"),
        ("LOOP_STOP", "maybe", r"^loop_stop: must be true or false$"),
        ("ENGINE", "x", r"^engine: must be 'auto', 'vllm', 'transformers', 'openai' or 'none'$"),
        ("UPSTREAM", "[]", r"^upstream: must be a text or must not be empty$"),
        ("SERVER__PORT", "99999", r"^server\.port: must be at most 65535$"),
        ("SERVER__API_KEYS", "a", r"^server\.api_keys: must be a list$"),
        ("STOP", "", r"^stop\.rule: must be 'none', 'auto', "),
    ],
)
def test_what_is_wrong_is_said_in_our_words(
    name: str, value: str, sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"BESTOFN_{name}", value)
    with pytest.raises(ConfigError, match=sentence):
        Settings.load()
