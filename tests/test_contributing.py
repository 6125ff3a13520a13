"""CONTRIBUTING names what is there: the layers of the contract, and files that exist."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"][
    "importlinter"
]["contracts"]


def _layers() -> list[str]:
    (contract,) = [each for each in CONTRACTS if each["type"] == "layers"]
    layers: list[str] = contract["layers"]
    return layers


def test_the_layers_are_those_of_the_contract() -> None:
    section = TEXT.partition("## Layers")[2].partition("\n## ")[0]
    assert [line.strip() for line in section.splitlines() if line.startswith("    ")] == _layers()


def test_every_package_has_a_layer() -> None:
    named = {name for line in _layers() for name in line.split(" | ")}
    packages = {f"bestofn.{each.parent.name}" for each in ROOT.glob("bestofn/*/__init__.py")}
    modules = {f"bestofn.{each.stem}" for each in ROOT.glob("bestofn/[a-z]*.py")}
    assert named == packages | modules | {"bestofn_server"}


@pytest.mark.parametrize(
    "path", sorted(set(re.findall(r"`((?:bestofn|server|tests|benchmarks)/[\w/.]+)`", TEXT)))
)
def test_what_it_names_exists(path: str) -> None:
    assert (ROOT / path).exists()
