"""What a YAML text says, whatever other libraries have done to PyYAML's tables."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import yaml

from bestofn.cli.options import named
from bestofn.core.errors import ConfigError
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


def test_yamls_other_values_are_as_yaml_has_them() -> None:
    text = "a: [1, 0x10, 1.5, .inf, true, no, null, ~, '1']\nb: &b {c: d}\ne: {<<: *b, f: g}\n"
    assert values_of(text) == yaml.safe_load(text)


@pytest.mark.parametrize("given", ["{vote: !!int x}", "{vote: !!bool x}", "{" * 3_000])
def test_a_flag_that_yaml_cannot_read_is_one_sentence(given: str) -> None:
    with pytest.raises(ConfigError) as raised:
        named(given)
    assert "\n" not in str(raised.value)
