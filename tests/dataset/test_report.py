"""The report: its numbers, and the page in a real browser."""

from __future__ import annotations

import itertools
import shutil
import statistics
from pathlib import Path
from typing import Any

import pytest

from bestofn.dataset.report.findings import Reservoir, expected_best, findings
from bestofn.dataset.report.page import write_report
from bestofn.dataset.store.manifest import Manifest
from bestofn.dataset.store.rollouts import read_rollouts
from tests.dataset.test_formats import record
from tests.support import killed_run as killed

TITLES = [
    "Rewards of the winners and of all accepted",
    "The winner against the first accepted sample",
    "What more samples give",
    "Rejections and failures by reason",
    "Length against reward",
    "Tokens and time",
]


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    killed.work(str(folder))
    manifest = Manifest.read(folder)
    assert manifest is not None
    return write_report(folder, manifest, findings(read_rollouts(folder)))


def test_the_expected_best_is_the_mean_over_subsets() -> None:
    rewards = [3.0, -1.0, 0.5, 2.0, 2.0]
    for n in range(1, 6):
        subsets = itertools.combinations(rewards, n)
        assert expected_best(rewards, n) == pytest.approx(statistics.fmean(map(max, subsets)))


def test_the_expected_best_of_thousands_is_found_at_once() -> None:
    """Of 10,000 values its chances were exact binomials of thousands of digits, each anew."""
    values = [float(at) for at in range(10_000)]
    for n in (1, 2, 100, 10_000):  # of 0 to K - 1 the highest of n is n (K + 1) / (n + 1) - 1
        assert expected_best(values, n) == pytest.approx(n * 10_001 / (n + 1) - 1)


def test_what_is_found_in_records() -> None:
    found = findings(
        [
            record([1.0, 3.0, None]),
            record([5.0, 5.0]),
            record([], status="failed"),
            record([0.0, 4.0], row=3),
        ]
    )
    assert found.winners.values == [3.0, 5.0, 4.0]
    assert found.pairs.values == [(1.0, 3.0), (5.0, 5.0), (0.0, 4.0)]
    assert {n: count for n, (_, count) in found.gains.items()} == {1: 2, 2: 2}
    assert found.gains[2][0] / 2 == pytest.approx(1.0)  # of two, the best is one deviation above
    assert [each.spread for each in sorted(found.clearest, reverse=True)] == [4.0, 2.0]
    assert (found.reasons["empty"], found.rejected_texts["empty"]) == (1, ["text 2"])


def test_a_reservoir_is_even_and_bounded() -> None:
    means = []
    for seed in range(40):
        held = Reservoir(50, seed)
        for value in range(1000):
            held.add(value)
        assert len(held.values) == 50
        means.append(statistics.fmean(held.values))
    assert statistics.fmean(means) == pytest.approx(500, abs=30)


def test_the_page_stands_alone_and_escapes_what_models_say(tmp_path: Path) -> None:
    odd = record([1.0, 0.0], ["<script>alert(1)</script>", "a & b"])
    path = write_report(tmp_path, Manifest(config={}, rows_per_shard=1), findings([odd]))
    text = path.read_text(encoding="utf-8")
    assert "<script>alert(1)" not in text
    assert "&lt;script&gt;alert(1)" in text
    assert 'src="http' not in text
    empty = write_report(tmp_path, Manifest(config={}, rows_per_shard=1), findings([]))
    assert "<h2>" not in empty.read_text(encoding="utf-8")


@pytest.mark.browser
async def test_a_browser_shows_every_plot_and_reports_no_error(page: Path, tmp_path: Path) -> None:
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("no Chromium is installed")
    from playwright.async_api import async_playwright

    said: list[str] = []
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=chromium,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        tab: Any = await browser.new_page(viewport={"width": 1200, "height": 900})
        tab.on("console", lambda message: said.append(f"{message.type}: {message.text}"))
        tab.on("pageerror", lambda error: said.append(f"error: {error}"))
        tab.on("request", lambda request: said.append(f"request: {request.url}"))
        await tab.goto(page.as_uri())
        await tab.wait_for_selector(".plotly-graph-div .main-svg")
        titles = await tab.eval_on_selector_all("h2", "all => all.map(each => each.textContent)")
        drawn = await tab.eval_on_selector_all(
            ".plotly-graph-div", "all => all.map(each => each.querySelectorAll('.main-svg').length)"
        )
        await tab.screenshot(path=str(tmp_path / "report.png"), full_page=True)
        await browser.close()
    assert titles[: len(TITLES)] == TITLES
    assert len(drawn) == len(TITLES)
    assert all(drawn)
    assert [each for each in said if not each.startswith("request: file:")] == []
    assert (tmp_path / "report.png").stat().st_size > 50_000
