"""Configuration of a run as run.json keeps it: what may be read by anybody, and what differs.

without_secrets({"upstream": "https://me:pw@host/v1?key=x"})     {"upstream": "https://host/v1"}
differences({"best_of": 4}, {"best_of": 8})                      ["best_of was 4 and is 8"]
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bestofn.support.flags import flag_name
from bestofn.support.url import without_credentials

_SECRET_FLAGS = ("--api-key", "--hf-token")
"""Flags of vLLM whose values are nobody's business."""

_SECRET_NAME = re.compile(r"(?:api[-_]keys?|hf_token|password|authorization)$", re.IGNORECASE)
"""Of options and headers whose values are nobody's business."""


def without_secrets(value: Any) -> Any:
    """A configuration without what opens a door: credentials and queries of URLs, values of
    flags and options that are keys."""
    if isinstance(value, Mapping):
        return {
            name: "***"
            if _SECRET_NAME.search(str(name)) and each is not None
            else without_secrets(each)
            for name, each in value.items()
        }
    if isinstance(value, list):
        return _without_secret_flags([without_secrets(each) for each in value])
    return without_credentials(value)


def differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """What differs between two configurations of a run, each as a phrase; nested ones by their
    paths. A file is one input, however it is spelt.

    Args:
        before: of the run that is there; an earlier version may have written it.
        now: see `identity_of`.
    """
    before = without_secrets(before)
    if isinstance(before.get("input"), str) and whole_path(before["input"]) == now.get("input"):
        before = {**before, "input": now["input"]}
    return _differences(before, now)


def _differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    found = []
    for key in sorted(before.keys() | now.keys()):
        old, new = before.get(key), now.get(key)
        if old == new:
            continue
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            found += [f"{key}.{each}" for each in _differences(old, new)]
        else:
            found.append(f"{key} was {old} and is {new}")
    return found


def whole_path(source: str) -> str:
    """The path of an input that is a file or a folder; the name of another as it is."""
    path = Path(source).expanduser()
    return str(path.resolve()) if path.exists() else source


def _without_secret_flags(items: list[Any]) -> list[Any]:
    kept: list[Any] = []
    hidden = False  # whether a secret flag's values go on, of which it may have several
    for each in items:
        if isinstance(each, str) and each.startswith("--"):
            name, sign, _ = each.partition("=")
            hidden = flag_name(each) in _SECRET_FLAGS
            kept.append(f"{name}=***" if hidden and sign else each)
        else:
            kept.append("***" if hidden else each)
    return kept
