"""What a YAML text says, whatever other libraries have done to PyYAML's tables."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
import yaml

from bestofn.cli.options import named
from bestofn.core.errors import ConfigError
from bestofn.settings.settings import Settings
from bestofn.settings.yaml_values import values_of

TIMESTAMP = "tag:yaml.org,2002:timestamp"


@pytest.mark.parametrize(
    "dates",
    [
        pytest.param(yaml.constructor.SafeConstructor.construct_yaml_timestamp, id="alone"),
        pytest.param(yaml.constructor.SafeConstructor.construct_yaml_str, id="beside vLLM"),
    ],
)
@pytest.mark.parametrize("text", ["2024-01-02", "2024-13-45", "2024-01-02 03:04:05"])
def test_a_date_is_a_text(
    monkeypatch: pytest.MonkeyPatch, dates: Callable[..., Any], text: str
) -> None:
    monkeypatch.setitem(yaml.SafeLoader.yaml_constructors, TIMESTAMP, dates)
    assert values_of(f"model: {text}") == {"model": text}


def test_a_form_that_somebody_else_reads_is_a_text(monkeypatch: pytest.MonkeyPatch) -> None:
    forms = {"1": [("tag:yaml.org,2002:float", re.compile("1e3"))]}
    monkeypatch.setattr(yaml.SafeLoader, "yaml_implicit_resolvers", forms)
    assert yaml.safe_load("a: 1e3") == {"a": 1000.0}
    assert values_of("a: 1e3") == {"a": "1e3"}


def test_yamls_other_values_are_as_yaml_has_them() -> None:
    text = "a: [1, 0x10, 1.5, .inf, true, no, null, ~, '1']\nb: &b {c: d}\ne: {<<: *b, f: g}\n"
    assert values_of(text) == yaml.safe_load(text)


BROKEN = ["{vote: !!int x}", "{vote: !!bool x}", "{3: 1}", "{<<: {3: 1}}", "{" * 3_000]


@pytest.mark.parametrize("given", BROKEN)
def test_a_flag_or_a_variable_that_cannot_be_read_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, given: str
) -> None:
    with pytest.raises(ConfigError) as raised:
        named(given)
    assert "\n" not in str(raised.value)
    monkeypatch.setenv("BESTOFN_SELECTOR", given)
    with pytest.raises(ConfigError, match="BESTOFN_SELECTOR: neither JSON nor YAML: ") as raised:
        Settings.load()
    assert "\n" not in str(raised.value)


def test_a_variable_of_an_option_is_named_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BESTOFN_SERVER__API_KEYS", "[a, !!int x]")
    with pytest.raises(ConfigError, match="BESTOFN_SERVER__API_KEYS: neither JSON nor YAML: 'x' "):
        Settings.load()


@pytest.mark.parametrize("given", ['{"a":\t1}', '{"a": "\\ud83d\\ude00"}'])
def test_json_is_json_in_a_flag_too(given: str) -> None:
    assert named(given) == json.loads(given)
