"""The documentation site: it builds without a warning, its reference is what the code says, and no
page of it loads anything from another host."""

from __future__ import annotations

import html
import re
import subprocess
import sys
import urllib.parse
from collections.abc import Mapping
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import click
import pytest
import typer.main
from prometheus_client import CollectorRegistry

import bestofn
from bestofn.builders.choosing import ANSWER_KEYS, SELECTORS
from bestofn.builders.pipeline import FILTERS
from bestofn.builders.stopping import RULES
from bestofn.cli import app
from bestofn.filters.truncation.rules import RULES as TRUNCATION_RULES
from bestofn.settings.listing import all_settings
from bestofn.settings.server_limits import KeyLimits
from bestofn_server.admission import Admission
from bestofn_server.errors import ApiError
from bestofn_server.telemetry.metrics import Metrics

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
LOADS = {"script": "src", "img": "src", "link": "href", "iframe": "src", "source": "src"}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built strictly: a broken link or a missing page or anchor ends the build."""
    made = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(made)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return made


class _Loaded(HTMLParser):
    """What a page loads by itself."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "link" and given.get("rel") in ("canonical", "prev", "next"):
            return
        address = given.get(LOADS.get(tag, ""))
        if address:
            self.addresses.append(address)


def test_no_page_loads_anything_from_another_host(site: Path) -> None:
    pages = sorted(site.rglob("*.html"))
    assert len(pages) > 20
    for page in pages:
        parser = _Loaded()
        parser.feed(page.read_text(encoding="utf-8"))
        assert parser.addresses
        for address in parser.addresses:
            parts = urllib.parse.urlsplit(address)
            assert parts.scheme in ("", "data"), f"{page.name}: {address}"
            assert not parts.netloc, f"{page.name}: {address}"
            if not parts.scheme and address.endswith((".js", ".css", ".png", ".svg")):
                base = site if address.startswith("/") else page.parent
                assert (base / parts.path.lstrip("/")).is_file(), f"{page.name}: {address}"


def test_no_style_loads_anything_from_another_host(site: Path) -> None:
    styles = sorted(site.rglob("*.css"))
    assert styles
    for style in styles:
        assert not re.search(r"url\(\s*['\"]?https?:|@import", style.read_text(encoding="utf-8"))


def _page(site: Path, name: str) -> str:
    """A page's text, without its marks."""
    text = (site / name / "index.html").read_text(encoding="utf-8")
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", "", text)))


def _codes(site: Path, name: str) -> set[str]:
    """What a page writes as code."""
    text = (site / name / "index.html").read_text(encoding="utf-8")
    return {html.unescape(found) for found in re.findall(r"<code>(.*?)</code>", text, re.DOTALL)}


def test_every_setting_is_there_with_what_it_is_for(site: Path) -> None:
    shown, codes = _page(site, "reference/settings"), _codes(site, "reference/settings")
    for setting in all_settings():
        assert setting.description, f"{setting.name} has no description"
        assert setting.name.rpartition(".")[2] in codes
        assert " ".join(setting.description.replace("`", "").split()) in shown, setting.name


def test_every_command_and_flag_is_there(site: Path) -> None:
    codes = _codes(site, "reference/commands")
    root: Any = typer.main.get_command(app)

    def check(group: Any, prefix: str) -> None:
        for name, command in group.commands.items():
            path = f"{prefix} {name}"
            if hasattr(command, "commands"):
                check(command, path)
                continue
            assert path in codes
            for parameter in command.get_params(click.Context(command)):
                if parameter.param_type_name == "option":
                    assert ", ".join(parameter.opts) in codes, path

    check(root, "bestofn")


def test_every_metric_is_there(site: Path) -> None:
    codes = _codes(site, "reference/metrics")
    registry = CollectorRegistry()
    Metrics(registry, Admission(1, KeyLimits(), {}))
    assert {family.name for family in registry.collect()} <= codes


def test_every_error_of_the_server_is_there(site: Path) -> None:
    shown, codes = _page(site, "reference/errors"), _codes(site, "reference/errors")
    below = [ApiError]
    for error in below:  # grows while it is read
        below += error.__subclasses__()
    assert len(below) > 10
    for error in below[1:]:
        assert str(error.status) in shown
        assert not error.code or error.code in codes
    told = (ROOT / "server/bestofn_server/errors.py").read_text(encoding="utf-8")
    written = set(re.findall(r'code="(\w+)"', told)) - {"internal", "invalid_json"}
    assert written <= codes


NAMED: Mapping[str, tuple[Mapping[str, Any], str]] = {
    "filters": (FILTERS, "reference/filters"),
    "selectors": (SELECTORS, "reference/choosing"),
    "answer keys": (ANSWER_KEYS, "reference/choosing"),
    "rules that stop": (RULES, "reference/choosing"),
}


@pytest.mark.parametrize("kind", NAMED)
def test_every_part_that_has_a_name_is_there(kind: str, site: Path) -> None:
    names, page = NAMED[kind]
    assert set(names) <= _codes(site, page)


def test_every_rule_of_truncation_is_there_with_its_precision(site: Path) -> None:
    shown, codes = _page(site, "reference/filters"), _codes(site, "reference/filters")
    for rule in TRUNCATION_RULES:
        assert rule.name in codes
        if rule.precision:
            assert "{1} of {0}".format(*rule.precision) in shown


def test_what_the_package_exports_is_there(site: Path) -> None:
    text = (site / "reference/python/index.html").read_text(encoding="utf-8")
    anchors = set(re.findall(r'id="bestofn\.([\w.]+)"', text))
    exported = {name for name in bestofn.__all__ if not name.startswith("_")}
    assert exported <= anchors, exported - anchors


def test_a_link_to_a_file_of_the_repository_leads_to_its_page(site: Path) -> None:
    guide = (site / "guides/security/index.html").read_text(encoding="utf-8")
    assert 'href="../../project/security-policy/"' in guide
    quick = (site / "index.html").read_text(encoding="utf-8")
    assert 'href="examples/"' in quick
    example = (site / "examples/index.html").read_text(encoding="utf-8")
    for path in ROOT.glob("examples/*.py"):
        assert path.name in example
