"""Variables of the environment, as people write them: a word, JSON, YAML in braces, one option."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bestofn.core.errors import ConfigError
from bestofn.settings.sections import FilterSpec, SelectorSettings
from bestofn.settings.settings import Settings
from bestofn.settings.stopping import StopSettings
from bestofn.settings.variables import OTHERS

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
        ("FILTERS", "empty", r"^BESTOFN_FILTERS: must be a list$"),
        ("POLICY", "resample", r"^BESTOFN_POLICY: must be a mapping$"),
        ("ENSEMBLE", "mean", r"^BESTOFN_ENSEMBLE: must be a mapping$"),
        ("BEST_OF", "many", r"^BESTOFN_BEST_OF: must be a whole number$"),
        ("BEST_OF", "0", r"^BESTOFN_BEST_OF: must be at least 1$"),
        ("TEMPERATURE", "3", r"^BESTOFN_TEMPERATURE: must be at most 2$"),
        ("LOOP_STOP", "maybe", r"^BESTOFN_LOOP_STOP: must be true or false$"),
        ("ENGINE", "x", r"^BESTOFN_ENGINE: must be 'auto', 'vllm', 'transformers', 'openai' or "),
        ("UPSTREAM", "[]", r"^BESTOFN_UPSTREAM: must be a text or must not be empty$"),
        ("SERVER__PORT", "99999", r"^BESTOFN_SERVER__PORT: must be at most 65535$"),
        ("SERVER__API_KEYS", "a", r"^BESTOFN_SERVER__API_KEYS: must be a list$"),
        ("STOP", "", r"^BESTOFN_STOP: rule: must be 'none', 'auto', "),
    ],
)
def test_what_is_wrong_is_said_in_our_words(
    name: str, value: str, sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"BESTOFN_{name}", value)
    with pytest.raises(ConfigError, match=sentence):
        Settings.load()


@pytest.mark.parametrize("load", [Settings, Settings.load])
@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("BEST_OFF", "; did you mean BESTOFN_BEST_OF?"),
        ("BESTOF", "; did you mean BESTOFN_BEST_OF?"),
        ("PORT", "; did you mean BESTOFN_SERVER__PORT?"),
        ("SERVER_PORT", "; did you mean BESTOFN_SERVER__PORT?"),
        ("SEVER__PORT", "; did you mean BESTOFN_SERVER__PORT?"),
        ("SELECTION", "; did you mean BESTOFN_SELECTOR?"),
        ("SEED__X", "; did you mean BESTOFN_SEED?"),
        ("CONFIGG", "; did you mean BESTOFN_CONFIG?"),
        ("QQQ", ""),
    ],
)
def test_a_variable_that_nobody_reads_is_refused(
    load: type[Settings], name: str, meant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"BESTOFN_{name}", "")
    with pytest.raises(ConfigError) as caught:
        load()
    assert str(caught.value) == f"BESTOFN_{name}: there is no such variable{meant}"


def test_all_unknown_variables_are_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BESTOFN_ZZZ", "1")
    monkeypatch.setenv("BESTOFN_AAA", "1")
    with pytest.raises(ConfigError, match=r"BESTOFN_AAA: .*; BESTOFN_ZZZ: "):
        Settings.load()


def test_an_unknown_option_of_a_section_says_which_was_meant(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("BESTOFN_SERVER__PROT", "80")
    with pytest.raises(ConfigError, match=r"^BESTOFN_SERVER__PROT: .* mean server\.port\?$"):
        Settings.load()


@pytest.mark.parametrize(
    ("variables", "flags", "sentence"),
    [
        ({"BEST_OF": "abc"}, {}, r"^BESTOFN_BEST_OF: must be a whole number$"),
        ({"SERVER__PORT": "x"}, {}, r"^BESTOFN_SERVER__PORT: must be a whole number$"),
        ({"STOP": "{rule: evidence, share: 3}"}, {}, r"^BESTOFN_STOP: share: .*$"),
        ({"FILTERS": "[{length: 3}]"}, {}, r"^BESTOFN_FILTERS: 0\.options: must be a mapping$"),
        ({"BEST_OF": "8"}, {"best_of": 0}, r"^best_of: must be at least 1$"),
        ({"BEST_OF": "x"}, {"seed": "y"}, r"^BESTOFN_BEST_OF: .*; seed: must "),
    ],
)
def test_what_is_wrong_with_a_variable_is_said_by_its_name(
    variables: dict[str, str],
    flags: dict[str, object],
    sentence: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(f"BESTOFN_{name}", value)
    file = tmp_path / "settings.yaml"
    file.write_text("temperature: 1\n")
    with pytest.raises(ConfigError, match=sentence):
        Settings.load(file, **flags)
    file.write_text("temperature: 3\n")
    of_file = r"settings\.yaml: .*temperature: must be at most 2"
    with pytest.raises(ConfigError, match=of_file) as told:
        Settings.load(file, **flags)
    assert str(told.value).count("BESTOFN_") == ("best_of" not in flags)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SERVICE_HOST", "10.0.0.1"),
        ("SERVICE_PORT", "8000"),
        ("SERVICE_PORT_HTTP", "8000"),
        ("PORT", "tcp://10.0.0.1:8000"),
        ("PORT_8000_TCP", "tcp://10.0.0.1:8000"),
        ("PORT_8000_TCP_ADDR", "10.0.0.1"),
        ("GRAFANA_SERVICE_HOST", "10.0.0.1"),
        ("GRAFANA_PORT", "tcp://10.0.0.1:3000"),
        ("GRAFANA_PORT_3000_TCP_PROTO", "tcp"),
    ],
)
def test_what_kubernetes_says_of_a_service_of_our_name_is_no_mistake(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"BESTOFN_{name}", value)
    assert Settings.load() == Settings()


@pytest.mark.parametrize("name", sorted(OTHERS))
def test_what_others_read_is_no_mistake(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"BESTOFN_{name}", "x")
    Settings.load()


def test_every_variable_that_this_repository_reads_is_known() -> None:
    root = Path(__file__).parents[2]
    named, got = r'"BESTOFN_([A-Z]+(?:_[A-Z]+)*)"', r"environ(?:\.get\(|\[)"
    folders = dict.fromkeys(("bestofn", "server", "examples", "benchmarks"), named)
    read = {
        name
        for folder, pattern in {**folders, "tests": got + named}.items()
        for file in (root / folder).rglob("*.py")
        for name in re.findall(pattern, file.read_text(encoding="utf-8"))
    }
    assert len(read) > 5
    assert read - {name.upper() for name in Settings.model_fields} == set(OTHERS)
